"""`gvd-jax deblur`: results, what breaks off, and how it goes on. The method itself is replaced by a stub."""

import json

import imageio.v3 as iio
import jax
import numpy as np
import pytest

from gvd_jax import cli
from gvd_jax.scale import write
from gvd_jax.scale.survey import Survey
from gvd_jax.video.flow_files import read_flow
from gvd_jax.video.read_write import read_video, write_video
from tests.commands import FRAMES, calls, error_line, folder, private_cache

__all__ = ["calls", "folder", "private_cache"]  # fixtures


def test_deblur_writes_a_folder_like_the_input_with_maps_and_a_report(tmp_path, folder, calls, capsys):
    out, maps, report = tmp_path / "out", tmp_path / "maps", tmp_path / "report"
    assert cli.main(["deblur", str(folder), str(out), "--maps", str(maps), "--report", str(report)]) == 0
    written = read_video(out)
    assert written.names == tuple(f"shot{k}.png" for k in range(5))
    np.testing.assert_allclose(written.frames, 1 - FRAMES, atol=1e-6)
    assert calls[0].duty_cycle == "auto"
    np.testing.assert_array_equal(read_flow(maps / "flow_00004_backward.flo"), np.ones((24, 32, 2)))
    assert np.load(maps / "defocus_00004.npy").shape == (24, 32)
    assert iio.imread(maps / "flow_00000_forward.png").shape == (24, 32, 3)
    assert (maps / "defocus_00002.png").exists() and (maps / "legend.png").exists()
    page = (report / "index.html").read_text()
    assert '<th scope="row">duty cycle</th><td>0.400</td>' in page and page.count('class="frame"') == 5
    output = capsys.readouterr()
    assert "5 frames of 32x24, duty cycle 0.400" in output.out
    assert output.err.splitlines() == [
        "gvd-jax: at 32x24, 50% done, 00:00 left",
        "gvd-jax: at 32x24, 100% done, 00:00 left",
    ]
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "cache" / "gvd_jax" / "xla")


def test_deblur_takes_a_part_of_a_video_and_keeps_its_rate(tmp_path, calls):
    write_video(tmp_path / "in.mp4", FRAMES, fps=12.5)
    whole = read_video(tmp_path / "in.mp4").frames
    part = ["--frames", "1:4", "--crop", "2,4,20,16"]
    assert cli.main(["deblur", str(tmp_path / "in.mp4"), str(tmp_path / "sub" / "out.mp4"), *part]) == 0
    np.testing.assert_array_equal(calls[0].frames, whole[1:4, 2:22, 4:20])
    written = read_video(tmp_path / "sub" / "out.mp4")
    assert written.frames.shape == (3, 20, 16, 3) and written.fps == 12.5


@pytest.mark.parametrize("depth", [8, 16])
def test_deblur_writes_the_bit_depth_it_read(tmp_path, calls, depth):
    write_video(tmp_path / "in", FRAMES, bit_depth=depth)
    assert cli.main(["deblur", str(tmp_path / "in"), str(tmp_path / "out")]) == 0
    assert read_video(tmp_path / "out").bit_depth == depth


def test_options_reach_the_method(tmp_path, folder, calls):
    arguments = ["--defocus", "off", "--transfer", "srgb", "--shutter-angle", "144"]
    assert cli.main(["deblur", str(folder), str(tmp_path / "out"), *arguments]) == 0
    assert calls[0].duty_cycle == pytest.approx(0.2) and calls[0].config.camera.transfer.name == "srgb"
    assert all(unknown.name != "defocus" for unknown in calls[0].config.unknowns)


def test_preview_comes_first_and_json_is_one_line(tmp_path, folder, calls, capsys):
    assert cli.main(["deblur", str(folder), str(tmp_path / "out.mkv"), "--preview", "--json", "--quiet"]) == 0
    picture = iio.imread(tmp_path / "out.mkv.preview.png") / 255
    expected = [np.concatenate([FRAMES[k], 1 - FRAMES[k]], 1) for k in (0, 2, 4)]
    np.testing.assert_allclose(picture, np.concatenate(expected), atol=1e-6)
    output = capsys.readouterr()
    facts = json.loads(output.out)
    assert facts.pop("seconds") < 60 and facts == {
        "output": str(tmp_path / "out.mkv"),
        **{"frames": 5, "height": 24, "width": 32},
        **{"duty_cycle": 0.4, "duty_cycle_error": 0.0, "gamma": 1.0, "gamma_error": 0.0},
        **{"still": 0.0, "duty_cycles_differ": 0.0},
        **dict.fromkeys(("shake", "defocused", "defocus", "defocus_left")),  # no stage looks for them
        "notes": [],
    }
    assert output.err.splitlines() == [
        f"gvd-jax: see {tmp_path}/out.mkv.preview.png: three frames, blurry and restored"
    ]


def test_verbose_shows_every_step_and_not_with_quiet(tmp_path, folder, calls, capsys):
    assert cli.main(["deblur", str(folder), str(tmp_path / "out"), "--verbose", "--quiet"]) == 2
    assert "contradict" in error_line(capsys) and not calls
    assert cli.main(["deblur", str(folder), str(tmp_path / "out"), "--verbose"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" s, ")[2] for line in lines] == [
        f"at 32x24, level {k} of 2, latent: data 1" for k in (1, 2)
    ]


LONG = np.random.default_rng(1).integers(0, 256, (20, 24, 32, 3)).astype(np.float32) / 255


@pytest.fixture
def long_clip(tmp_path, monkeypatch):
    """A video that is restored in five windows."""
    monkeypatch.setattr("gvd_jax.scale.layout.LONGEST", 9)
    monkeypatch.setattr("gvd_jax.scale.prepare.take_survey", lambda *_: Survey(0.25, 1.0, 4.0, 1.0))
    write_video(tmp_path / "in.mp4", LONG, fps=25)
    return tmp_path / "in.mp4"


def contents(path):
    """Every byte of a file or of a folder's files."""
    return {p.name: p.read_bytes() for p in (sorted(path.iterdir()) if path.is_dir() else [path])}


@pytest.mark.parametrize("name", ["out.mp4", "out"])
@pytest.mark.parametrize(
    "failure, status, words",
    [
        (KeyboardInterrupt(), 130, "interrupted; 2 of 5 windows are finished: --resume goes on with the same"),
        (OSError(28, "No space left on device"), 2, "No space left on device; 2 of 5 windows are finished"),
        (MemoryError(), 2, "out of memory: begin anew with --overwrite and a smaller --max-memory"),
    ],
)
def test_what_broke_off_goes_on_bit_for_bit(
    tmp_path, long_clip, calls, monkeypatch, capsys, name, failure, status, words
):
    whole = ["deblur", str(long_clip), str(tmp_path / "whole" / name), "--quiet"]
    assert cli.main(whole) == 0
    assert len(calls) == 5 and {call.duty_cycle for call in calls} == {0.25}
    out, report = tmp_path / name, tmp_path / "report"
    part = ["deblur", str(long_clip), str(out), "--quiet", "--report", str(report)]
    write_part = write.write_part

    def fail(target, part, start, frames):
        if start > 6:
            raise failure
        write_part(target, part, start, frames)

    monkeypatch.setattr(write, "write_part", fail)
    capsys.readouterr()
    assert cli.main(part) == status
    assert words in error_line(capsys)
    assert not out.exists() and (tmp_path / f"{name}.unfinished").exists()
    assert not (report / "index.html").exists()
    monkeypatch.setattr(write, "write_part", write_part)
    assert cli.main(part) == 2
    assert "go on with --resume, or begin anew with --overwrite" in error_line(capsys)
    assert cli.main([*part, "--resume", "--preset", "fast"]) == 2
    assert "was begun with preset default, now it is fast" in error_line(capsys)
    del calls[:]
    assert cli.main([*part, "--resume"]) == 0
    assert len(calls) == 3
    expected = tmp_path / "whole" / name
    assert [*contents(out).values()] == [*contents(expected).values()]
    assert not (tmp_path / f"{name}.unfinished").exists()
    assert (report / "index.html").read_text().count('class="frame"') == 20


@pytest.mark.parametrize("where", ["gvd_jax.scale.prepare.prepare", "gvd_jax.scale.run.restore_block"])
def test_what_was_not_begun_leaves_nothing(tmp_path, folder, calls, where, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    assert cli.main(["deblur", str(folder), str(tmp_path / "out")]) == 130
    assert "interrupted; nothing was finished" in error_line(capsys)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_a_failing_disk_is_one_line_and_status_2(tmp_path, folder, calls, monkeypatch, capsys):
    def full(*arguments):
        raise OSError(28, "No space left on device", "flow.flo")

    monkeypatch.setattr("gvd_jax.scale.maps.write_flow", full)
    assert cli.main(["deblur", str(folder), str(tmp_path / "out"), "--maps", str(tmp_path / "maps")]) == 2
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]


def test_overwrite(tmp_path, folder, calls):
    target = ["deblur", str(folder), str(tmp_path / "out.mp4"), "--maps", str(tmp_path / "maps")]
    assert [cli.main(target), cli.main(target), cli.main([*target, "--overwrite"])] == [0, 2, 0]
