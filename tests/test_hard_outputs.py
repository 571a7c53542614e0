"""Outputs that are traps, and inputs that change: no input is touched, and nothing is left."""

import os
import shutil
from pathlib import Path

import pytest

from gvd_jax.commands.deblur import Deblur
from gvd_jax.commands.score import Score
from gvd_jax.scale import clip as clip_of_any_length
from gvd_jax.video.places import real
from gvd_jax.video.read_write import read_video, write_video
from tests.commands import calls, private_cache
from tests.hard_clips import QUICK, make, sound_only
from tests.hard_images import RGB, png
from tests.hard_input import bench, contents
from tests.test_hard_places import SMALL, link, pipe

__all__ = ["bench", "calls", "private_cache"]  # fixtures


def folder_clip(folder):
    write_video(folder / "in", SMALL)
    return folder / "in"


def gray_clip(folder):
    write_video(folder / "in", SMALL[..., :1])
    return folder / "in"


def file_clip(folder):
    return make(folder / "in.mp4", options=QUICK)


def hard_link(path, target):
    path.hardlink_to(target)
    return path


def written(path, text="mine"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# Where the output goes, by the input's path: the input is never touched.
OUTPUTS = {
    "itself": lambda p: p,
    "itself with a dot": lambda p: p.parent / "." / p.name,
    "itself around a corner": lambda p: p.parent / "x" / ".." / p.name,
    "itself by a relative name": lambda p: os.path.relpath(p),
    "itself from the root": lambda p: "/../" + str(p),
    "itself by a link": lambda p: link(p.with_name(f"link{p.suffix}"), p),
    "itself by a link to its folder": lambda p: link(p.parent / "x", p.parent) / p.name,
    "itself by two links": lambda p: link(p.with_name(f"a{p.suffix}"), link(p.with_name(f"b{p.suffix}"), p)),
    "inside it": lambda p: p / "out",
    "inside it deeper": lambda p: p / "a" / "b.mp4",
    "its folder": lambda p: p.parent,
    "a link to its folder": lambda p: link(p.parent / "x", p.parent),
    "another case": lambda p: p.with_name(p.name.upper()),
    "its work folder": lambda p: p.with_name(f"{p.name}.unfinished"),
    "a gif": lambda p: p.with_name("out.gif"),
    "an unknown suffix": lambda p: p.with_name("out.xyz"),
    "avi": lambda p: p.with_name("out.avi"),
    "a png": lambda p: p.with_name("out.png"),
    "a file around a missing corner": lambda p: written(p.with_name("out.mp4")).parent / "x" / ".." / "out.mp4",
    "upper case": lambda p: p.with_name("OUT.MP4"),
    "a dot only": lambda p: f"{p.parent}/.",
    "two dots only": lambda p: f"{p.parent}/..",
    "a suffix only": lambda p: p.with_name(".mp4"),
    "a dot in the end": lambda p: p.with_name("out."),
    "a slash in the end": lambda p: f"{p.with_name('out.mp4')}/",
    "spaces after the suffix": lambda p: p.with_name("out.mp4 "),
    "no name": lambda p: "",
    "the root": lambda p: "/",
    "null": lambda p: "/dev/null",
    "full": lambda p: "/dev/full",
    "below null": lambda p: "/dev/null/out",
    "the processes": lambda p: "/proc/out",
    "a pipe": lambda p: pipe(p.with_name("out.mp4")),
    "a pipe as a folder": lambda p: pipe(p.with_name("out")),
    "below a file": lambda p: written(p.with_name("file")) / "out",
    "below a missing folder": lambda p: p.with_name("a") / "b" / "c.mp4",
    "a text file": lambda p: written(p.with_name("notes.txt")),
    "a folder of text": lambda p: written(p.with_name("out") / "notes.txt").parent,
    "a folder of folders": lambda p: written(p.with_name("out") / "a.png" / "notes.txt").parent.parent,
    "a link to itself": lambda p: link(p.with_name("out"), p.with_name("out")),
    "links in a loop": lambda p: link(p.with_name("a.mp4"), link(p.with_name("b.mp4"), p.with_name("a.mp4"))),
    "a link to nothing": lambda p: link(p.with_name("out.mp4"), p.with_name("none.mp4")),
    "a link to null": lambda p: link(p.with_name("out.mp4"), "/dev/null"),
}
FINE = {"another case", "upper case", "below a missing folder", "a dot in the end", "a slash in the end"}
FINE |= {
    "a link to nothing",
    "a suffix only",
    "inside it",
    "inside it deeper",
}  # the last two are new folders beside the images

REPLACED = {"a file around a missing corner"}


@pytest.mark.parametrize("clip", [file_clip, folder_clip], ids=["file", "folder"])
@pytest.mark.parametrize("place", OUTPUTS)
def test_outputs_that_are_traps(bench, monkeypatch, place, clip):
    monkeypatch.chdir(bench.folder)
    path = clip(bench.folder)
    output = OUTPUTS[place](path)
    before = contents(path) if path.is_dir() else path.read_bytes()
    writes = [Path(os.path.abspath(output)), real(Path(output))] if output else []
    status = bench.run(Deblur(path, Path(output), quiet=True, overwrite=True), writes=writes)
    assert (contents(path).items() >= before.items()) if path.is_dir() else path.read_bytes() == before
    assert status == 2 or place in FINE or place in REPLACED


JSON = {
    "an input": (lambda a, b: a, False),
    "the other by a corner": (lambda a, b: b.parent / "x" / ".." / b.name, False),
    "an input by a link": (lambda a, b: link(a.with_name("x.json"), a), False),
    "a frame of an input": (lambda a, b: b / "00000.png", False),
    "a frame by a link": (lambda a, b: link(a.with_name("x.json"), b / "00000.png"), False),
    "a folder": (lambda a, b: written(a.with_name("out") / "thesis.txt").parent, False),
    "an empty folder": (lambda a, b: a.with_name("out").mkdir() or a.with_name("out"), False),
    "null": (lambda a, b: "/dev/null", False),
    "below a file": (lambda a, b: a / "scores.json", False),
    "a pipe": (lambda a, b: pipe(a.with_name("out")), False),
    "a new file": (lambda a, b: a.with_name("new") / "scores.json", True),
    "a file": (lambda a, b: written(a.with_name("scores.json")), True),
    "a new file by the inputs": (lambda a, b: b / "scores.json", True),
    "itself hidden": (lambda a, b: written(written(a.with_name(".x.json")).with_name("x.json")), True),
}


@pytest.mark.parametrize("place", JSON)
def test_scores_touch_no_input(bench, place):
    path, frames = file_clip(bench.folder), bench.folder / "truth"
    write_video(frames, read_video(path).frames)
    build, ok = JSON[place]
    file = build(path, frames)
    bench.run(Score(frames, path, Path(file), overwrite=True), writes=[bench.folder / file], ok=ok)


def vanish(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def lose_a_frame(path):
    (path / "00001.png").unlink() if path.is_dir() else path.write_bytes(path.read_bytes()[:-300])


def become(write):
    """Another clip under the same name."""

    def change(path):
        suffix = path.suffix
        vanish(path)
        write(path) if suffix else write_video(path, SMALL[:, :4])

    return change


def colour(path):
    if path.is_dir():
        (path / "00001.png").write_bytes(png(RGB[:8, :12]))
    else:
        path.write_bytes(b"GIF89a" + bytes(99))


CHANGES = {
    "vanishes": vanish,
    "loses a frame": lose_a_frame,
    "is larger": become(lambda path: make(path, options=QUICK, size=(32, 48))),
    "is shorter": become(lambda path: make(path, options=QUICK, stamps=(0, 40))),
    "is sound": become(sound_only),
    "is empty": become(lambda path: path.write_bytes(b"")),
    "is text": become(lambda path: path.write_text("text\n" * 99)),
    "is a folder": become(lambda path: path.mkdir()),
    "is a link to itself": lambda path: (vanish(path), link(path, path)),
    "is of colour": colour,
}


@pytest.mark.parametrize("clip", [file_clip, gray_clip], ids=["file", "folder"])
@pytest.mark.parametrize("change", CHANGES)
def test_an_input_that_changes_after_it_was_looked_through(bench, monkeypatch, change, clip):
    path = clip(bench.folder)
    opened = clip_of_any_length.open_target

    def open_target(*arguments):
        target = opened(*arguments)
        CHANGES[change](path)
        return target

    monkeypatch.setattr(clip_of_any_length, "open_target", open_target)
    bench.run(Deblur(path, bench.folder / "out.mp4", quiet=True), touched=[path], ok=False)
    assert not bench.calls
