"""Clips as streams: every kind is read, every frame keeps its time, its depth, its alpha channel and its side up."""

from fractions import Fraction

import av
import numpy as np
import pytest

from gvd_jax.video import codec
from gvd_jax.video.sink import open_target
from gvd_jax.video.source import cropped, open_source, read_alpha, read_frames
from tests.clips import MILLISECOND, STEADY, UNEVEN, copy, record, stacked, waves


@pytest.mark.parametrize("stamps", [STEADY, UNEVEN], ids=["steady", "uneven"])
@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("unit", [MILLISECOND, Fraction(1, 15360)], ids=["1/1000", "1/15360"])
def test_every_frame_is_shown_at_its_time(tmp_path, suffix, stamps, unit):
    stamps = stamps if unit == MILLISECOND else [15 * stamp for stamp in stamps]
    source = open_source(record(tmp_path / ("in.mkv" if unit == MILLISECOND else "in.mp4"), stamps, unit))
    assert source.times[:-1] == tuple(stamp * unit for stamp in stamps)
    copy(source, tmp_path / f"out{suffix}")
    again = open_source(tmp_path / f"out{suffix}")
    errors = [abs(a - b) for a, b in zip(again.times, source.times, strict=True)]
    assert max(errors) <= (MILLISECOND if suffix in (".mkv", ".webm") else 0)
    assert again.fps == pytest.approx(source.fps, rel=0.01) and (again.height, again.width) == (48, 64)
    difference = np.abs(stacked(again) - stacked(source)).mean((1, 2, 3))
    assert difference.max() < 1.5 / 255  # neighbours differ by ten times that


@pytest.mark.parametrize(
    "name, encoder, kind, error",
    [
        ("a.webm", "libvpx", "yuv420p", 4),
        ("a.webm", "libvpx-vp9", "yuv420p", 4),
        ("a.mkv", "ffv1", "yuv444p16le", 0.6),
        ("a.mkv", "ffv1", "gbrp10le", 0.2),
        ("a.mov", "prores_ks", "yuv422p10le", 1),
        ("a.avi", "mpeg4", "yuv420p", 8),
        ("a.avi", "libx264", "yuv420p", 3),
        ("a.gif", "gif", "rgb8", 25),
    ],
)
def test_what_cameras_and_the_web_use_is_read(tmp_path, name, encoder, kind, error):
    stamps, unit = (range(12), Fraction(1, 25)) if name == "a.avi" else (UNEVEN, MILLISECOND)
    stamps, unit = (
        ((0, 3, 5, 13, 20, 21, 30, 33, 40, 53, 57, 60), Fraction(1, 100)) if kind == "rgb8" else (stamps, unit)
    )
    source = open_source(record(tmp_path / name, stamps, unit, encoder, kind))
    assert source.times[:-1] == tuple(stamp * unit for stamp in stamps)
    assert source.bit_depth == (8 if kind in ("yuv420p", "rgb8") else 16) and source.notes == ()
    whole = stacked(source)
    assert np.abs(whole - waves()).mean() < error / 255
    for start in (1, 6, 11):  # from the middle, as from the start
        np.testing.assert_array_equal(stacked(source, start, start + 1)[0], whole[start])


@pytest.mark.parametrize(
    "encoder, options", [("libx264", {"g": "4", "bf": "2"}), ("libx265", {"g": "5"}), ("mpeg4", {"g": "3"})]
)
def test_reading_from_the_middle_gives_the_same_pixels(tmp_path, encoder, options):
    quiet = {"x265-params": "log-level=error"} if encoder == "libx265" else {}
    source = open_source(record(tmp_path / "a.mp4", encoder=encoder, options=options | quiet), slice(1, 11))
    whole = stacked(source)
    assert source.video.stamps and len(whole) == 10
    for start in range(10):
        np.testing.assert_array_equal(stacked(source, start, start + 2), whole[start : start + 2])


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("kind", ["yuv420p", "yuv420p10le", "yuv444p12le"])
def test_black_and_white_are_0_and_1(tmp_path, kind, full):
    bits = codec.bits_of(av.VideoFormat(kind))
    levels = [0, 2**bits - 1] if full else [16 << (bits - 8), 235 << (bits - 8)]
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", 25)
        stream.height, stream.width, stream.pix_fmt = 16, 16, kind
        stream.codec_context.color_range = 2 if full else 1
        for level in levels:
            frame = av.VideoFrame(16, 16, kind)
            for plane, value in zip(frame.planes, (level, 1 << (bits - 1), 1 << (bits - 1)), strict=True):
                codec.fill(plane, np.full((plane.height, plane.width), value, np.uint8 if bits == 8 else np.uint16))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    black, white = read_frames(open_source(tmp_path / "a.mkv"))
    np.testing.assert_allclose(black, 0.0, atol=1e-4)
    np.testing.assert_allclose(white, 1.0, atol=1e-4)


@pytest.mark.parametrize("turns, matrix", [(1, (0, 1, -1, 0)), (2, (-1, 0, 0, -1)), (3, (0, -1, 1, 0))])
def test_a_turned_recording_is_written_upright(tmp_path, turns, matrix):
    path = record(tmp_path / "phone.mp4", tags={"sample_aspect_ratio": Fraction(4, 3)})
    data, one = bytearray(path.read_bytes()), 1 << 16
    place = data.index(b"tkhd") + 44
    a, b, c, d = (one * value for value in matrix)
    data[place : place + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(data)
    copy(open_source(path), tmp_path / "out.mp4")
    expected = np.rot90(waves(), -turns, (1, 2))
    again = open_source(tmp_path / "out.mp4")
    assert np.abs(stacked(again) - expected).mean() < 4 / 255
    assert again.video.pixel_aspect == (Fraction(4, 3) if turns == 2 else Fraction(3, 4))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_ten_bits_stay_ten_bits(tmp_path, suffix):
    path = record(tmp_path / "in.mkv", encoder="ffv1", kind="yuv420p10le", tags={"color_range": 1, "colorspace": 1})
    source = open_source(path)
    copy(source, tmp_path / f"out{suffix}")
    again = open_source(tmp_path / f"out{suffix}")
    assert (source.bit_depth, source.video.bits, again.video.bits) == (16, 10, 10) and again.times == source.times
    difference = stacked(again) - stacked(source)
    assert np.abs(difference).mean() < 1.2 / 1023 and np.abs(difference.mean((0, 1, 2))).max() < 0.2 / 1023


@pytest.mark.parametrize("suffix, bits", [(".mp4", 8), (".mp4", 10), (".webm", 8)])
def test_odd_sizes_repeat_their_border(tmp_path, suffix, bits):
    source = open_source(record(tmp_path / "in.mkv", encoder="ffv1", kind="yuv444p10le" if bits == 10 else "yuv444p"))
    source = cropped(source, slice(2, 37), slice(3, 48))
    target = copy(source, tmp_path / f"out{suffix}")
    again = open_source(tmp_path / f"out{suffix}")
    assert (again.height, again.width) == (36, 46) and target.encoding.bits == bits
    np.testing.assert_allclose(stacked(again)[:, :35, :45], stacked(source), atol=0.05)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_of_images_is_kept_bit_for_bit(tmp_path, dtype, channels):
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (3, 6, 7, channels), dtype, endpoint=True)
    (tmp_path / "in").mkdir()
    for k, image in enumerate(values):
        opaque = k == 1
        alpha = None if opaque else image[..., -1:]
        codec.write_png(tmp_path / "in" / f"f{k}.png", codec.unit(image[..., :-1]), 8 * image.itemsize, alpha)
    source = cropped(open_source(tmp_path / "in"), slice(1, 5), slice(2, 7))
    copy(source, tmp_path / "out", (0, 2, None))
    again = open_source(tmp_path / "out")
    assert again.alpha and again.names == ("f0.png", "f1.png", "f2.png") and read_alpha(again, 1) is None
    for k in (0, 2):
        np.testing.assert_array_equal(read_alpha(again, k), values[k, 1:5, 2:7, -1:])
    np.testing.assert_array_equal(stacked(again), codec.unit(values[:, 1:5, 2:7, :-1]))
    assert open_target(tmp_path / "a.mp4", source, False).notes[0].startswith("the alpha channel is dropped")
