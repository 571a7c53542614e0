"""The command line: results, exit statuses, and one line for every mistake. The method itself is replaced by a stub."""

import json
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import imageio.v3 as iio
import jax
import numpy as np
import pytest

from gvd_jax import cli
from gvd_jax.commands import options
from gvd_jax.commands.programs import keep_programs
from gvd_jax.errors import InputError
from gvd_jax.video.read_write import read_video, write_video
from tests.commands import FRAMES, calls, error_line, folder, private_cache

__all__ = ["calls", "folder", "private_cache"]  # fixtures


@pytest.mark.parametrize(
    "tau, angle, expected",
    [
        ("auto", None, "auto"),
        ("0.25", None, 0.25),
        ("0.5", None, 0.5),
        (None, "360", 0.5),
        (None, "180", 0.25),
        ("0", None, 0.0),
        ("2", None, None),
        ("-0.1", None, None),
        ("nan", None, None),
        ("much", None, None),
        (None, "0", 0.0),
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


def test_duty_cycle_that_is_not_given_is_for_the_file_to_say():
    assert options.parse_duty_cycle(None, None) is None


@pytest.mark.parametrize("text, expected", [("2:5", (2, 5)), (":5", (0, 5)), ("2:", (2, None)), (":", (0, None))])
def test_frames(text, expected):
    assert options.parse_frames(text) == slice(*expected)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "Expected one of {demo, deblur, sweep, synthesize, score, doctor, completion}"),
        (["sharpen"], "there is no command 'sharpen': choose demo, deblur"),
        (["deblur"], "Missing from gvd-jax deblur: IN OUT"),
        (["deblur", "IN", "OUT", "--fast"], "Unrecognized options: --fast"),
        (["deblur", "IN", "OUT", "--preset", "best"], "invalid choice 'best'"),
        (["deblur", "IN", "OUT", "--transfer", "hlg"], "unknown transfer 'hlg'"),
        (["deblur", "IN", "OUT", "--duty-cycle", "2"], "neither auto nor a number in [0, 0.5]"),
        (["deblur", "IN", "OUT", "--duty-cycle", "-0.1"], "neither auto nor a number in [0, 0.5]"),
        (["deblur", "IN", "OUT", "--shutter-angle", "720"], "outside [0, 360]"),
        (["deblur", "IN", "OUT", "--frames", "one"], "is not A:B"),
        (["deblur", "-IN.mp4", "OUT"], "there is no option -IN.mp4; of a file that is called so, write ./-IN.mp4"),
        (["deblur", "IN", ""], "a name or a value is empty"),
        (["demo", 300 * "a"], "choose a shorter name"),
        (["deblur", "IN", "OUT", "--frames", "3:3"], "give A:B with 0 <= A < B"),
        (["deblur", "IN", "OUT", "--frames", "3:9"], "holds 5 frames"),
        (["deblur", "IN", "OUT", "--crop", "1,2,3"], "is not Y,X,H,W"),
        (["deblur", "IN", "OUT", "--crop", "0,0,24,33"], "does not fit frames of 32x24"),
        (["deblur", "IN", "OUT", "--crop", "0,0,0,9"], "keeps no pixel"),
        (["deblur", "NONE", "OUT"], "does not exist"),
        (["deblur", "IN", "OUT.gif"], "ends in .mp4"),
        (["deblur", "IN", "IN"], "is the input, which is not replaced"),
        (["deblur", "IN", "IN", "--overwrite"], "is the input, which is not replaced"),
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
        (["doctor", "NONE"], "does not exist"),
        (["doctor", "--max-memory", "-1"], "is no amount of memory"),
        (["score", "IN", "NONE"], "does not exist"),
        (["score", "IN", "IN", "--json", "IN/shot1.png"], "exists"),
    ],
)
def test_every_mistake_is_one_line_and_status_2_and_nothing_is_computed(
    tmp_path, folder, calls, capsys, arguments, words
):
    here = sorted(tmp_path.rglob("*"))
    names = ("IN", "OUT", "NONE")
    located = [str(tmp_path / a.replace("IN", "in", 1)) if a.startswith(names) else a for a in arguments]
    assert cli.main(located) == 2
    assert words in error_line(capsys)
    assert calls == [] and sorted(tmp_path.rglob("*")) == here


def test_doctor_tells_what_the_machine_is_and_what_a_clip_takes(folder, capsys):
    assert cli.main(["doctor", str(folder)]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["versions", "python", "devices", "memory", "cache", "ffmpeg", "clip", "takes"]
    assert f"gvd_jax {version('gvd_jax')}, jax {jax.__version__}, " in lines["versions"]
    assert lines["clip"] == "5 frames of 32x24, 3 channels" and lines["takes"].endswith("restored as a whole")


def test_the_cache_is_cleared_of_programs_and_of_nothing_else(tmp_path, capsys):
    kept = tmp_path / "cache" / "gvd_jax" / "xla"
    (kept / "programs").mkdir(parents=True)
    for name in ("jit_f-1-cache", "jit_f-1-atime", "programs/2", "notes.txt"):
        (kept / name).write_bytes(bytes(2**20))
    assert cli.main(["doctor"]) == 0 and "3 MB" in capsys.readouterr().out
    assert cli.main(["doctor", "--clear-cache"]) == 0 and "0 MB" in capsys.readouterr().out
    assert [file.name for file in kept.rglob("*") if file.is_file()] == ["notes.txt"]


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"gvd-jax {version('gvd_jax')}\n"


def test_demo_scores_what_it_writes(tmp_path, calls, monkeypatch, capsys):
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
    assert lines[3] == "duty cycle 0.400 +- 0.000 found, 0.450 true"
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
        "defocus",
        "transfer",
        "report",
        "maps",
        "frames",
        "crop",
        "max-memory",
        "resume",
        "preview",
        "hosts",
        "json",
        "quiet",
        "verbose",
    ):
        assert f"--{option} " in text
    assert "--no-overwrite" not in text


@pytest.mark.parametrize("command", ["deblur", "demo", "sweep", "synthesize", "score"])
def test_help_fits_a_screen(command, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    "module, heavy",
    [
        ("gvd_jax.cli", ("jax", "scipy", "matplotlib", "av", "imageio")),
        ("gvd_jax.scale.clip", ("matplotlib", "skimage", "scipy.stats")),
    ],
    ids=["the command line", "who restores and draws nothing"],
)
def test_nothing_heavy_is_loaded(module, heavy):
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "shell, line",
    [("bash", "complete -F"), ("zsh", "#compdef gvd-jax"), ("fish", "complete --no-files --command 'gvd-jax'")],
)
def test_a_shell_completes(capsys, shell, line):
    with pytest.raises(SystemExit) as stop:
        cli.main(["completion", shell])
    assert not stop.value.code and line in capsys.readouterr().out


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("where", ["", "gc.callbacks.append(lambda *_: hit()) or gc.collect() or"], ids=["", "in gc"])
def test_a_signal_ends_the_process_with_one_line(sent, where):
    """Also one that comes while a callback of the garbage collector runs, where Python drops exceptions."""
    hit = "gc.callbacks.clear() or os.kill(os.getpid(), number)" if where else "os.kill(os.getpid(), number)"
    program = (
        "import gc, os, signal, time; import gvd_jax.__main__ as entry, gvd_jax.cli as cli;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # which a job in the background has not
        f"number = signal.{sent}; hit = lambda: {hit};"
        f"cli.main = lambda: {where or 'hit() or'} time.sleep(60); entry.main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "gvd-jax: interrupted; nothing was begun\n")


def test_programs_that_cannot_be_kept_are_compiled_anew(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep_programs()
    assert "is no folder one may write to" in error_line(capsys)
    assert jax.config.jax_compilation_cache_dir is None
