"""The command line: results, exit statuses, and one line for every mistake. The method itself is replaced by a stub."""

import json
import subprocess
import sys
from types import SimpleNamespace

import imageio.v3 as iio
import jax
import numpy as np
import pytest

from gvd_jax import cli
from gvd_jax.commands import options
from gvd_jax.errors import InputError
from gvd_jax.progress import Progress
from gvd_jax.video.flow_files import read_flow
from gvd_jax.video.read_write import read_video, write_video

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 24, 32, 3)).astype(np.float32) / 255


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    """Compiled programs go where the test looks, and JAX forgets about it afterwards."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.fixture
def deblur(monkeypatch):
    """The method replaced by one that inverts the frames and reports two steps; holds the arguments of its calls."""
    calls = []

    def stub(frames, duty_cycle="auto", config=None, hooks=()):
        calls.append(SimpleNamespace(frames=frames, duty_cycle=duty_cycle, config=config))
        count, height, width = frames.shape[:3]
        flow, defocus = np.ones((count, 2, height, width, 2), np.float32), np.ones((count, height, width), np.float32)
        unknowns = SimpleNamespace(latent=frames, flow=flow)
        for level in (0, 1):
            for hook in hooks:
                hook(Progress("latent", level, 2, (height, width), 0.5 + level / 2, 60.0, {"data": 1.0}, unknowns))
        tau = np.full(count, 0.4 if duty_cycle == "auto" else duty_cycle)
        return SimpleNamespace(latent=jax.numpy.asarray(1 - frames), flow=flow, defocus=defocus, duty_cycle=tau)

    monkeypatch.setattr("gvd_jax.method.deblur.deblur", stub, raising=False)
    return calls


@pytest.fixture
def folder(tmp_path):
    """A folder of five frames."""
    write_video(tmp_path / "in", FRAMES, names=tuple(f"shot{k}.jpg" for k in range(5)))
    return tmp_path / "in"


def error_line(capsys):
    """The one line on standard error, which names the program."""
    text = capsys.readouterr().err
    assert text.startswith("gvd-jax: ") and text.count("\n") == 1 and text.endswith("\n")
    return text


def test_deblur_writes_a_folder_like_the_input_with_maps_and_a_report(tmp_path, folder, deblur, capsys):
    out, maps, report = tmp_path / "out", tmp_path / "maps", tmp_path / "report"
    assert cli.main(["deblur", str(folder), str(out), "--maps", str(maps), "--report", str(report)]) == 0
    clip = read_video(out)
    assert clip.names == tuple(f"shot{k}.png" for k in range(5))
    np.testing.assert_allclose(clip.frames, 1 - FRAMES, atol=1e-6)
    assert deblur[0].duty_cycle == "auto"
    np.testing.assert_array_equal(read_flow(maps / "flow_00004_backward.flo"), np.ones((24, 32, 2)))
    assert np.load(maps / "defocus.npy").shape == (5, 24, 32)
    assert iio.imread(maps / "flow_00000_forward.png").shape == (24, 32, 3)
    assert (maps / "defocus_00002.png").exists() and (maps / "legend.png").exists()
    page = (report / "index.html").read_text()
    assert "<td>duty_cycle</td><td>0.400</td>" in page and (report / "frame_00004.png").exists()
    output = capsys.readouterr()
    assert "5 frames of 32x24, duty cycle 0.400" in output.out
    assert output.err.splitlines() == [
        "gvd-jax: level 1 of 2 (32x24) latent, 50% done, 01:00 left",
        "gvd-jax: level 2 of 2 (32x24) latent, 100% done, 00:00 left",
    ]
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "cache" / "gvd_jax" / "xla")


def test_deblur_takes_a_part_of_a_video_and_keeps_its_rate(tmp_path, deblur):
    write_video(tmp_path / "in.mp4", FRAMES, fps=12.5)
    whole = read_video(tmp_path / "in.mp4").frames
    part = ["--frames", "1:4", "--crop", "2,4,20,16"]
    assert cli.main(["deblur", str(tmp_path / "in.mp4"), str(tmp_path / "sub" / "out.mp4"), *part]) == 0
    np.testing.assert_array_equal(deblur[0].frames, whole[1:4, 2:22, 4:20])
    clip = read_video(tmp_path / "sub" / "out.mp4")
    assert clip.frames.shape == (3, 20, 16, 3) and clip.fps == 12.5


@pytest.mark.parametrize("depth", [8, 16])
def test_deblur_writes_the_bit_depth_it_read(tmp_path, deblur, depth):
    write_video(tmp_path / "in", FRAMES, bit_depth=depth)
    assert cli.main(["deblur", str(tmp_path / "in"), str(tmp_path / "out")]) == 0
    assert read_video(tmp_path / "out").bit_depth == depth


@pytest.mark.parametrize(
    "tau, angle, expected",
    [
        (None, None, "auto"),
        ("auto", None, "auto"),
        ("0.25", None, 0.25),
        ("0.5", None, 0.5),
        (None, "360", 0.5),
        (None, "180", 0.25),
        ("0", None, None),
        ("2", None, None),
        ("-0.1", None, None),
        ("nan", None, None),
        ("much", None, None),
        (None, "0", None),
        (None, "361", None),
        (None, "wide", None),
        ("0.25", "180", None),
    ],
)
def test_duty_cycle_and_shutter_angle(tau, angle, expected):
    if expected is not None:
        assert options.parse_duty_cycle(tau, angle) == expected
    else:
        with pytest.raises(InputError):
            options.parse_duty_cycle(tau, angle)


@pytest.mark.parametrize("text, expected", [("2:5", (2, 5)), (":5", (0, 5)), ("2:", (2, None)), (":", (0, None))])
def test_frames(text, expected):
    assert options.parse_frames(text) == slice(*expected)


def test_options_reach_the_method(tmp_path, folder, deblur):
    arguments = ["--no-defocus", "--transfer", "srgb", "--shutter-angle", "144"]
    assert cli.main(["deblur", str(folder), str(tmp_path / "out"), *arguments]) == 0
    assert deblur[0].duty_cycle == 0.2 and deblur[0].config.transfer.name == "srgb"
    assert all(block.unknown != "defocus" for block in deblur[0].config.blocks)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "Expected one of {demo, deblur, sweep, synthesize, score}"),
        (["sharpen"], "Unrecognized options: sharpen"),
        (["deblur"], "Missing from gvd-jax deblur: IN OUT"),
        (["deblur", "IN", "OUT", "--fast"], "Unrecognized options: --fast"),
        (["deblur", "IN", "OUT", "--preset", "best"], "invalid choice 'best'"),
        (["deblur", "IN", "OUT", "--transfer", "hlg"], "unknown transfer 'hlg'"),
        (["deblur", "IN", "OUT", "--duty-cycle", "2"], "outside (0, 0.5]"),
        (["deblur", "IN", "OUT", "--duty-cycle", "0"], "outside (0, 0.5]"),
        (["deblur", "IN", "OUT", "--shutter-angle", "720"], "outside (0, 360]"),
        (["deblur", "IN", "OUT", "--frames", "one"], "is not A:B"),
        (["deblur", "IN", "OUT", "--frames", "3:3"], "give A:B with 0 <= A < B"),
        (["deblur", "IN", "OUT", "--frames", "3:9"], "holds 5 frames"),
        (["deblur", "IN", "OUT", "--crop", "1,2,3"], "is not Y,X,H,W"),
        (["deblur", "IN", "OUT", "--crop", "0,0,24,33"], "does not fit frames of 32x24"),
        (["deblur", "IN", "OUT", "--crop", "0,0,0,9"], "does not fit frames of 32x24"),
        (["deblur", "NONE", "OUT"], "does not exist"),
        (["deblur", "IN", "OUT.gif"], "ends in .mp4"),
        (["deblur", "IN", "IN"], "exists"),
        (["deblur", "IN", "IN", "--overwrite"], "is replaced whole"),
        (["deblur", "IN", "OUT", "--report", "OUT"], "is replaced whole"),
        (["deblur", "IN", "OUT", "--maps", "OUT/maps"], "is replaced whole"),
        (["deblur", "IN", "OUT", "--maps", "IN"], "exists"),
        (["deblur", "IN", "OUT", "--maps", "IN", "--overwrite"], "holds the input"),
        (["deblur", "IN", "OUT", "--report", "IN/shot1.png"], "is a file where a folder is needed"),
        (["demo", "IN"], "exists"),
        (["demo", "OUT", "--seed", "x"], "Error parsing --seed"),
        (["synthesize", "IN", "OUT"], "Missing from gvd-jax synthesize: --frames-per-exposure K"),
        (["synthesize", "IN", "OUT", "--frames-per-exposure", "4"], "must be odd"),
        (["synthesize", "IN", "OUT", "--frames-per-exposure", "3", "--stride", "0"], "would overlap"),
        (["synthesize", "IN", "OUT", "--frames-per-exposure", "3", "--gaussian", "-1"], "outside [0, 100)"),
        (["synthesize", "IN", "OUT", "--frames-per-exposure", "3", "--sharp", "OUT"], "is replaced whole"),
        (["score", "IN", "NONE"], "does not exist"),
        (["score", "IN", "IN", "--json", "IN/shot1.png"], "exists"),
    ],
)
def test_every_mistake_is_one_line_and_status_2_and_nothing_is_computed(
    tmp_path, folder, deblur, capsys, arguments, words
):
    here = sorted(tmp_path.rglob("*"))
    names = ("IN", "OUT", "NONE")
    located = [str(tmp_path / a.replace("IN", "in", 1)) if a.startswith(names) else a for a in arguments]
    assert cli.main(located) == 2
    assert words in error_line(capsys)
    assert deblur == [] and sorted(tmp_path.rglob("*")) == here


def test_ctrl_c_is_one_line_and_status_130(tmp_path, folder, monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("gvd_jax.method.deblur.deblur", interrupted, raising=False)
    assert cli.main(["deblur", str(folder), str(tmp_path / "out")]) == 130
    assert "interrupted" in error_line(capsys) and not (tmp_path / "out").exists()


def test_a_failing_disk_is_one_line_and_status_2(tmp_path, folder, deblur, monkeypatch, capsys):
    def full(*arguments):
        raise OSError(28, "No space left on device", "flow.flo")

    monkeypatch.setattr("gvd_jax.commands.maps.write_flow", full)
    assert cli.main(["deblur", str(folder), str(tmp_path / "out"), "--maps", str(tmp_path / "maps")]) == 2
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]


def test_overwrite(tmp_path, folder, deblur):
    target = ["deblur", str(folder), str(tmp_path / "out.mp4"), "--maps", str(tmp_path / "maps")]
    assert [cli.main(target), cli.main(target), cli.main([*target, "--overwrite"])] == [0, 2, 0]


def test_demo_scores_what_it_writes(tmp_path, deblur, monkeypatch, capsys):
    sharp = np.random.default_rng(1).random((3, 24, 32, 3)).astype(np.float32)
    flow = np.full((3, 2, 24, 32, 2), 4.0, np.float32)  # the stub finds 1: an error of 3 in x and in y
    visible = np.ones((3, 2, 24, 32), bool)
    clip = SimpleNamespace(blurry=sharp + 0.1, sharp=sharp, flow=flow, visible=visible, duty_cycle=0.45)
    seeds = []
    monkeypatch.setattr("gvd_jax.video.synthesize.demo_clip", lambda seed: seeds.append(seed) or clip)
    assert cli.main(["demo", str(tmp_path / "demo"), "--seed", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert seeds == [1] and lines[0].startswith("blurry    PSNR 20.00 dB  SSIM 0.")
    assert lines[1].startswith("restored  PSNR ")
    assert lines[2] == "flow end-point error 4.24 px where visible"
    assert lines[3] == "duty cycle 0.400 found, 0.450 true"
    assert read_video(tmp_path / "demo" / "restored.mp4").frames.shape == (3, 24, 32, 3)
    assert read_video(tmp_path / "demo" / "blurry.mp4").frames.shape == (3, 24, 32, 3)
    assert iio.imread(tmp_path / "demo" / "before_after.png").shape[1] == 3 * 32 + 4 * 8
    assert (tmp_path / "demo" / "maps" / "flow_00002_forward.flo").exists()


def test_synthesize_averages_frames_and_keeps_the_truth(tmp_path, capsys):
    frames = np.round((FRAMES[0] / 2 + np.linspace(0, 0.1, 5)[:, None, None, None]) * 255) / 255
    write_video(tmp_path / "in", frames, names=tuple(f"shot{k}.jpg" for k in range(5)))
    names = [str(tmp_path / name) for name in ("blurry", "sharp")]
    arguments = ["synthesize", str(tmp_path / "in"), names[0], "--frames-per-exposure", "3", "--stride", "4"]
    assert cli.main([*arguments, "--sharp", names[1]]) == 0
    assert "1 frames, duty cycle 0.375" in capsys.readouterr().out
    blurry, sharp = map(read_video, names)
    assert blurry.names == sharp.names == ("shot1.png",)
    np.testing.assert_allclose(blurry.frames[0], frames[:3].mean(0), atol=0.51 / 255)
    np.testing.assert_allclose(sharp.frames[0], frames[1], atol=1e-6)


def test_score_prints_a_table_and_writes_json(tmp_path, folder, capsys):
    result = FRAMES.copy()
    result[1] = np.clip(np.round(result[1] * 255) + np.where(result[1] > 0.5, -51, 51), 0, 255) / 255
    write_video(tmp_path / "result", result)
    file = tmp_path / "new" / "scores.json"
    assert cli.main(["score", str(folder), str(tmp_path / "result"), "--json", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["0", "inf", "1.0000"]
    assert lines[2].split()[:2] == ["1", "13.98"]  # an error of 0.2 everywhere
    assert lines[6].split()[0] == "mean" and lines[7].startswith("temporal consistency 0.10000")
    scores = json.loads(file.read_text())
    assert scores["frames"][0] == {"psnr": None, "ssim": 1.0}
    assert scores["frames"][1]["psnr"] == pytest.approx(13.9794, abs=1e-3)
    assert scores["mean"]["psnr"] is None and scores["temporal_consistency"] == pytest.approx(0.1, abs=1e-6)


def test_score_compares_gray_with_colour_but_not_other_sizes(tmp_path, folder, capsys):
    write_video(tmp_path / "gray", FRAMES[..., :1])
    assert cli.main(["score", str(tmp_path / "gray"), str(folder)]) == 0
    capsys.readouterr()
    write_video(tmp_path / "small", FRAMES[:, :20])
    assert cli.main(["score", str(folder), str(tmp_path / "small")]) == 2
    assert "SHARP holds 5 frames of 32x24 but RESULT 5 frames of 32x20" in error_line(capsys)


def test_help_names_every_option_of_the_contract(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["deblur", "--help"])
    text = capsys.readouterr().out
    assert not stop.value.code
    for option in (
        "preset",
        "duty-cycle",
        "shutter-angle",
        "no-defocus",
        "transfer",
        "report",
        "maps",
        "frames",
        "crop",
    ):
        assert f"--{option} " in text
    assert "--defocus" not in text and "--no-overwrite" not in text


def test_the_command_line_itself_loads_nothing_heavy():
    code = "import sys, gvd_jax.cli; print([m for m in ('matplotlib', 'av', 'imageio', 'skimage') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
