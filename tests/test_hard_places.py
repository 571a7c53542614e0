"""Names and places that are absurd or traps: nothing hangs, no input is touched, nothing is left."""

import io
import os
import sys
from pathlib import Path

import pytest

from gvd_jax import cli
from gvd_jax.commands.score import Score
from gvd_jax.commands.synthesize import Synthesize
from gvd_jax.errors import InputError
from gvd_jax.video.read_write import read_video, write_video
from tests.commands import FRAMES, calls, private_cache
from tests.hard_clips import QUICK, make
from tests.hard_input import bench

__all__ = ["bench", "calls", "private_cache"]  # fixtures

SMALL = FRAMES[:3, :8, :12]
NAMES = (
    *("with space", " ", "  lead", "trail ", "it's", 'say "so"', "new\nline", "tab\there", "back\\slash", "a\rb"),
    *("100%", "%s", "%d%05d", "{0}", "{name}", "$HOME", "`ls`", "$(ls)", "a;b", "a|b", "a&b", "a*b", "a?b", "[a-z]"),
    *(
        "émoji 🎥",
        "日本語",
        "עברית",
        "\u202eright",
        "\x1b[31mred",
        "\x07bell",
        "e\u0301",
        "A" * 200,
        "ü" * 100,
        "~",
        "-",
    ),
    *(
        "-rf",
        "--help",
        "..dots",
        "...",
        "a.b.c",
        ".hidden",
        "clip.unfinished",
        "con",
        "http:",
        "file:",
        "pipe:0",
        "concat:a",
    ),
    os.fsdecode(b"bytes\xff\xfe"),
    "#1",
    "a=b",
    "@file",
)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_will_do(bench, name):
    folder, video = bench.folder / name, NAMES.index(name) % 2
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("the file system has no such name")
    if video:
        make(folder / "clip.mp4", options=QUICK).rename(folder / f"{name}.mp4")
    else:
        write_video(folder / name, SMALL)
    suffix = ".mp4" * video
    bench.deblur(folder / f"{name}{suffix}", f"{name}/{name.replace('.', '_')} out{suffix}", ok=True)
    bench.deblur(folder / "none", f"{name}/out", ok=False)


@pytest.mark.parametrize("name", ["-in", "--help", "--frames", "-", "--"])
def test_names_that_look_like_options(bench, monkeypatch, name):
    monkeypatch.chdir(bench.folder)
    write_video(name, SMALL)
    try:
        bench.deblur(name, "out", "--preset", "fast")
    except SystemExit as stop:  # --help
        assert not stop.code


@pytest.mark.parametrize("length", [230, 240, 243, 250, 255, 256, 300, 5000])
@pytest.mark.parametrize("letter", ["a", "ü"])
@pytest.mark.parametrize("suffix", ["", ".mp4"])
def test_long_names(bench, length, letter, suffix):
    name = letter * ((length - len(suffix)) // len(letter.encode())) + suffix
    write_video(bench.folder / "in", SMALL)
    bench.deblur(bench.folder / "in", name)
    bench.deblur(bench.folder / name / "x", "out", ok=False)
    with pytest.raises(InputError):
        read_video(bench.folder / name / "in")
    with pytest.raises(InputError, match=r"exists|too long"):
        write_video(bench.folder / name, SMALL)


def test_a_terminal_that_knows_few_letters(bench, monkeypatch):
    write_video(bench.folder / "日本", SMALL)
    for name, encoding in (("émoji 🎥", "ascii"), ("🎥 émoji", "latin1"), (os.fsdecode(b"\xff"), "utf-8")):
        held = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, "stdout", held)
        report = ["--report", str(bench.folder / f"report {name}")]
        assert cli.main(["deblur", str(bench.folder / "日本"), str(bench.folder / name), "--quiet", *report]) == 0
        held.flush()
        assert held.buffer.getvalue().count(b"\n") == 1


def pipe(path):
    os.mkfifo(path)
    return path


def link(path, target):
    path.symlink_to(target)
    return path


def frames_and(make_entry):
    def build(folder):
        write_video(folder / "in", SMALL)
        make_entry(folder / "in" / "00001a.png")
        return folder / "in"

    return build


TRAPS = {
    "nothing": (lambda f: f / "none.mp4", False),
    "a pipe": (lambda f: pipe(f / "in.mp4"), False),
    "a pipe without suffix": (lambda f: pipe(f / "in"), False),
    "null": (lambda f: "/dev/null", False),
    "zero": (lambda f: "/dev/zero", False),
    "random": (lambda f: "/dev/urandom", False),
    "full": (lambda f: "/dev/full", False),
    "standard input": (lambda f: "/dev/stdin", False),
    "memory": (lambda f: "/proc/self/mem", False),
    "a file of no size": (lambda f: "/proc/self/status", False),
    "terminal": (lambda f: "/dev/tty", False),
    "link to null": (lambda f: link(f / "in.mp4", "/dev/null"), False),
    "link to itself": (lambda f: link(f / "in.mp4", f / "in.mp4"), False),
    "links in a loop": (lambda f: (link(f / "a", f / "b"), link(f / "b", f / "a"))[0], False),
    "link to nothing": (lambda f: link(f / "in.mp4", f / "none"), False),
    "link to a folder": (lambda f: (write_video(f / "real", SMALL), link(f / "in", f / "real"))[1], True),
    "link to a file": (lambda f: link(f / "in.mkv", make(f / "real.mp4", options=QUICK)), True),
    "empty folder": (lambda f: (f / "in").mkdir() or f / "in", False),
    "folder of folders": (lambda f: (f / "in" / "a").mkdir(parents=True) or f / "in", False),
    "folder named like a film": (lambda f: (write_video(f / "x", SMALL), (f / "x").rename(f / "in.mp4"))[1], True),
    "folder in a folder": (frames_and(lambda p: p.mkdir()), None),
    "folder of images in a folder": (frames_and(lambda p: write_video(p.with_suffix(""), SMALL)), True),
    "pipe in a folder": (frames_and(pipe), False),
    "loop in a folder": (frames_and(lambda p: link(p, p)), False),
    "link to its folder": (frames_and(lambda p: link(p, p.parent)), None),
    "dangling link in a folder": (frames_and(lambda p: link(p, "none")), False),
    "link to null in a folder": (frames_and(lambda p: link(p, "/dev/null")), False),
    "link to zero in a folder": (frames_and(lambda p: link(p, "/dev/zero")), False),
    "link to an image in a folder": (frames_and(lambda p: link(p, "00000.png")), True),
    "one image": (lambda f: write_video(f / "in", SMALL[:1]) or f / "in", False),
    "an image": (lambda f: write_video(f / "in", SMALL) or f / "in" / "00000.png", False),
    "a file as a folder": (lambda f: make(f / "in.mp4", options=QUICK) / "x.mp4", False),
    "root": (lambda f: "/", False),
    "empty name": (lambda f: "", False),
    "dot": (lambda f: ".", None),
    "an address": (lambda f: "http://127.0.0.1:9/x.mp4", False),
    "a protocol": (lambda f: "concat:a|b", False),
    "lavfi": (lambda f: "testsrc=size=16x16", False),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_inputs_that_are_traps(bench, trap, monkeypatch):
    build, ok = TRAPS[trap]
    path = build(bench.folder)
    bench.deblur(path, ok=ok)
    if trap != "one image":
        blurry = bench.folder / "blurry"
        bench.run(Synthesize(Path(path), blurry, 1), writes=[blurry], ok=ok)
        bench.run(Score(Path(path), Path(path)), ok=ok)
