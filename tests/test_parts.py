"""Parts join to a whole that keeps sound and description; what fails leaves nothing; memory does not grow."""

import dataclasses
import errno
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from gvd_jax.errors import InputError
from gvd_jax.video.read_write import read_video, write_video
from gvd_jax.video.sink import join_parts, open_target, write_part
from gvd_jax.video.source import open_source, read_frames
from tests.clips import UNEVEN, copy, record, sound_packets, stacked, waves


@pytest.mark.parametrize(
    "name, suffix, sound",
    [
        ("a.mp4", ".mp4", "aac"),
        ("a.mp4", ".mov", "aac"),
        ("a.mp4", ".mkv", "aac"),
        ("a.mkv", ".mkv", "flac"),
        ("a.mkv", ".mp4", "libopus"),
        ("a.webm", ".webm", "libopus"),
        ("a.avi", ".mkv", "libmp3lame"),
    ],
)
def test_sound_and_description_are_carried_over(tmp_path, name, suffix, sound):
    path = record(tmp_path / name, range(12), Fraction(1, 25), sound=sound)
    source = open_source(path)
    assert source.has_audio and copy(source, tmp_path / f"out{suffix}").notes == ()
    (times, packets), (new_times, new_packets) = sound_packets(path), sound_packets(tmp_path / f"out{suffix}")
    assert new_packets == packets and len(packets) > 10
    again = open_source(tmp_path / f"out{suffix}")
    delays = np.array(new_times, float) - np.array(times, float)  # against the pictures, which may start later
    np.testing.assert_allclose(delays, float(again.video.start - source.video.start), atol=1.1e-3)
    told = {key.lower(): value for key, value in again.video.metadata}
    told_before = {key.lower(): value for key, value in source.video.metadata}
    assert told == told_before and told["title"] == "Die Wellen"
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.audio[0].language == ("fin" if name != "a.avi" else None)


@pytest.mark.parametrize("suffix, sound", [(".mp4", "aac"), (".mkv", "libopus")])
def test_of_a_part_of_the_frames_goes_the_sound_of_their_time(tmp_path, suffix, sound):
    path = record(tmp_path / f"in{suffix}", range(12), Fraction(1, 25), sound=sound)
    copy(open_source(path, slice(4, 9)), tmp_path / f"out{suffix}", (0, 2, None))
    start, end = Fraction(4, 25), Fraction(9, 25)
    times, packets = sound_packets(path)
    expected = [(time - start, data) for time, data in zip(times, packets, strict=True) if start <= time < end]
    new_times, new_packets = sound_packets(tmp_path / f"out{suffix}")
    assert new_packets == [data for _, data in expected] and 8 < len(new_packets) < 12
    np.testing.assert_allclose([float(t) for t in new_times], [float(t) for t, _ in expected], atol=1.1e-3)
    assert open_source(tmp_path / f"out{suffix}").video.start == 0


def test_what_a_maker_says_under_its_own_name_is_kept(tmp_path):
    source = open_source(record(tmp_path / "in.mov"))
    said = (("com.apple.quicktime.model", "Camera 7"), ("com.apple.quicktime.location.ISO6709", "+60.1+024.9/"))
    video = dataclasses.replace(source.video, metadata=said)
    copy(dataclasses.replace(source, video=video), tmp_path / "out.mov")
    assert set(said) <= set(open_source(tmp_path / "out.mov").video.metadata)


@pytest.mark.parametrize(
    "name, suffix, words",
    [
        ("a.mp4", ".webm", r"cannot hold the sound of .*a.mp4 \(aac\); name a file that ends in .mkv"),
        ("a.mp4", "", "the sound is dropped"),
        ("deep.mkv", ".webm", "8 of the source's bits"),
        ("alpha.mkv", ".mp4", "the alpha channel is dropped"),
    ],
)
def test_what_cannot_be_kept_is_said_before(tmp_path, name, suffix, words):
    kinds = {"deep.mkv": "yuv420p10le", "alpha.mkv": "yuva420p"}
    path = record(
        tmp_path / name,
        encoder="ffv1" if name in kinds else None,
        kind=kinds.get(name, "yuv420p"),
        sound=None if name in kinds else "aac",
    )
    source = open_source(path)
    if suffix == ".webm" and source.has_audio:
        with pytest.raises(InputError, match=words):
            open_target(tmp_path / f"out{suffix}", source, False)
    else:
        (note,) = open_target(tmp_path / f"out{suffix}", source, False).notes
        assert words in note


def sizes_change(folder):
    parts = [record(folder / f"{name}.h264", range(4), Fraction(1, 25), size=size) for name, size in SIZES]
    (folder / "x.h264").write_bytes(b"".join(part.read_bytes() for part in parts))
    return folder / "x.h264"


SIZES = (("a", (48, 64)), ("b", (48, 80)))


def tagged(**tags):
    return lambda folder: record(folder / "x.mp4", tags=tags)


def empty_file(folder):
    (folder / "x.mp4").write_bytes(b"")
    return folder / "x.mp4"


def sound_only(folder):
    with av.open(str(folder / "x.mp4"), "w") as container:
        stream = container.add_stream("aac", 48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return folder / "x.mp4"


def cut_short(suffix):
    def make(folder):
        path = record(folder / f"x{suffix}")
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
        return path

    return make


@pytest.mark.parametrize(
    "make, words",
    [
        (tagged(color_trc=16, color_primaries=9), r"is HDR \(PQ\); convert it to SDR first: ffmpeg -i IN"),
        (tagged(color_trc=18, color_primaries=9), r"is HDR \(HLG\); convert it"),
        (sizes_change, "changes from 64x48 to 80x48 at frame 4; take frames of one size with --frames 0:4"),
        (empty_file, "is empty"),
        (sound_only, "cannot be read as a video"),
        (cut_short(".mkv"), r"is damaged after (\d) frames; take what can be read with --frames 0:\1"),
        (cut_short(".webm"), r"is damaged after (\d) frames; take what can be read with --frames 0:\1"),
    ],
)
def test_what_would_be_restored_wrongly_is_refused(tmp_path, make, words):
    with pytest.raises(InputError, match=words) as refusal:
        open_source(make(tmp_path))
    assert "\n" not in str(refusal.value)


def test_whole_frames_that_are_marked_as_interlaced_are_taken(tmp_path):
    source = open_source(record(tmp_path / "x.mp4", options={"x264-params": "tff=1"}))
    assert source.notes == ("the frames are marked as interlaced, but they are whole, and taken so",)


@pytest.mark.parametrize("encoder", ["libx264", "libx265", "libvpx-vp9"])
def test_an_encoder_that_is_missing_is_named(tmp_path, monkeypatch, encoder):
    kind = "yuv420p10le" if encoder == "libx265" else "yuv420p"
    source = open_source(record(tmp_path / "in.mkv", encoder="ffv1", kind=kind))
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {encoder})
    with pytest.raises(InputError, match=f"this PyAV has no {encoder}; install"):
        open_target(tmp_path / ("a.webm" if "vpx" in encoder else "a.mp4"), source, False)


def restored(source):
    """Frames that are not the source's, as a restoration gives."""
    return [0.9 * frame for frame in read_frames(source)]


FORMS = [(".mp4", "yuv420p"), (".mkv", "yuv420p10le"), (".webm", "yuv420p"), ("", "yuv420p")]


@pytest.mark.parametrize("suffix, kind", FORMS)
def test_a_part_is_the_same_bytes_each_time(tmp_path, suffix, kind):
    source = open_source(record(tmp_path / "in.mkv", encoder="ffv1", kind=kind))
    target, frames = open_target(tmp_path / f"out{suffix}", source, False), restored(source)
    processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    read = {}
    for name, allowed in (("a", processors), ("b", set(list(processors)[:1])), ("c", processors)):
        if allowed:  # as on a machine of another size
            os.sched_setaffinity(0, allowed)
        write_part(target, tmp_path / name, 2, frames[2:9])
        files = [tmp_path / name] if suffix else sorted((tmp_path / name).iterdir())
        read[name] = [file.read_bytes() for file in files]
    assert read["a"] == read["b"] == read["c"] and all(read["a"])


@pytest.mark.parametrize("suffix, kind", FORMS)
def test_parts_join_to_the_frames_they_hold(tmp_path, suffix, kind):
    source = open_source(record(tmp_path / "in.mkv", UNEVEN, encoder="ffv1", kind=kind))
    frames = restored(source)
    outputs = []
    for name, cuts in (("whole", (0, 12)), ("halves", (0, 5, 12)), ("again", (0, 5, 12)), ("ones", (0, 1, 2, 3, 12))):
        target = open_target(tmp_path / f"{name}{suffix}", source, False)
        parts = [tmp_path / f"{name}-{start}" for start in cuts[:-1]]
        for part, start, stop in zip(parts, cuts[:-1], cuts[1:], strict=True):
            write_part(target, part, start, frames[start:stop])
        if name == "halves":  # each stands alone
            assert suffix == "" or open_source(parts[1]).count == 7
        join_parts(target, parts)
        with pytest.raises(InputError, match="more than the 12 frames"):
            write_part(target, tmp_path / "long", 8, frames[:5])
        with pytest.raises(InputError, match="frames; start again"):
            join_parts(target, parts[1:])
        outputs.append(open_source(target.path))
    whole, halves, again, ones = (stacked(output) for output in outputs)
    np.testing.assert_array_equal(halves, again)
    for output, values in zip(outputs, (whole, halves, again, ones), strict=True):
        assert output.times == (source.times if suffix else ())
        assert np.abs(values - frames).mean((1, 2, 3)).max() < 2 / 255


@pytest.mark.parametrize("suffix", ["", ".mp4", ".webm"])
def test_a_full_disk_leaves_neither_half_a_part_nor_half_a_clip(tmp_path, suffix):
    """Files of this process may not grow beyond some size, which is as good as a full disk."""
    resource = pytest.importorskip("resource")
    source = open_source(record(tmp_path / "in.mkv", encoder="ffv1", sound="flac" if suffix == ".mp4" else None))
    target = copy(source, tmp_path / f"out{suffix}", (0, None))
    before, kept = sorted(os.listdir(tmp_path)), stacked(open_source(target.path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot write .*out.*: File too large"):
            write_part(target, tmp_path / "another", 0, read_frames(source))
        if suffix:
            with pytest.raises(InputError, match=r"cannot write .*out.*: File too large"):
                join_parts(target, [tmp_path / "part0"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(os.listdir(tmp_path)) == before
    np.testing.assert_array_equal(stacked(open_source(target.path)), kept)


@pytest.mark.parametrize("suffix", ["", ".mp4"])
def test_when_the_last_step_fails_the_former_clip_is_back(tmp_path, monkeypatch, suffix):
    write_video(tmp_path / f"clip{suffix}", waves(2))

    def refuse(self, other, real=Path.replace):
        if "-new-clip" in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return real(self, other)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(InputError, match=r"cannot write .*: Input/output error"):
        write_video(tmp_path / f"clip{suffix}", waves(4), overwrite=True)
    assert os.listdir(tmp_path) == [f"clip{suffix}"] and len(read_video(tmp_path / f"clip{suffix}").frames) == 2


MEMORY = """
import re, sys
from pathlib import Path
from gvd_jax.video.sink import join_parts, open_target, write_part
from gvd_jax.video.source import open_source, read_frames
for name in sys.argv[1:]:
    source = open_source(name)
    target = open_target(name + ".mp4", source, True)
    write_part(target, Path(name + ".part"), 0, read_frames(source))
    join_parts(target, [Path(name + ".part")])
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="where the system says how much it was at most")
def test_memory_does_not_grow_with_length(tmp_path):
    counts = (200, 800)  # the shorter one fills what a codec's threads and its look ahead hold
    paths = [
        record(tmp_path / f"{count}.mp4", range(count), Fraction(1, 25), encoder="mpeg4", size=(96, 128))
        for count in counts
    ]
    done = subprocess.run([sys.executable, "-c", MEMORY, *paths], capture_output=True, text=True, check=True)
    short, long = (int(line) / 1024 for line in done.stdout.split())
    assert long - short < 20  # MiB; the other 600 frames fill 84
