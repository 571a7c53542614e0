"""What windows and tiles change of a clip, and whether memory keeps its promise.

    python -m experiments.long_clips [--rows NAME ...]

A photograph under a shake is restored as a whole and in parts; PSNR is over all frames. Of 4K it is four tiles as
`gvd-jax deblur` cuts them, and the crop that they cover. How much a restoration depends on where a frame ends, without
any tiles, is measured too. Memory is the peak of `gvd-jax deblur` on a clip of 1280x720, all its libraries included,
against --max-memory; the soak is 2,000 frames of 64x48, and its memory on the way.
"""

import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import gvd_jax as gvd
from experiments.clips import rendered_clip
from experiments.command import run
from experiments.results import Results, Row
from gvd_jax import metrics
from gvd_jax.scale.layout import Layout, lay_out, tile_overlap
from gvd_jax.scale.memory import budget
from gvd_jax.scale.run import Window, read_windows, restore_windows
from gvd_jax.scale.spans import cut
from gvd_jax.scale.survey import Survey, take_survey
from gvd_jax.scale.window import Restored, restore_block
from gvd_jax.shapes import HostArray
from gvd_jax.video.synthesize import RenderedClip

TAU = 0.45
CONFIG = gvd.Config.default()
GIB = 2**30


class Size(NamedTuple):
    """Of a clip, and its motion in pixels per frame interval."""

    frames: int
    height: int
    width: int
    motion: float = 6.0


@functools.cache
def clip_of(size: Size) -> RenderedClip:
    """The clip of a size."""
    return rendered_clip(size.frames, size.height, size.width, TAU, size.motion)


@functools.cache
def survey_of(size: Size) -> Survey:
    """What the command finds out of it."""
    return take_survey(lambda start, stop: clip_of(size).blurry[start:stop], size.frames, TAU, CONFIG)


@functools.cache
def restored_whole(size: Size) -> HostArray:
    """The latent frames."""
    return np.asarray(gvd.deblur(clip_of(size).blurry, TAU, CONFIG).latent)


def restored_in_parts(size: Size, layout: Layout) -> HostArray:
    """The latent frames."""
    blurry = clip_of(size).blurry
    latent = np.empty_like(blurry)

    def keep(window: Window, _: Sequence[HostArray], restored: Restored) -> None:
        latent[window.span.first : window.span.last] = restored["latent"]

    windows = [Window(k, span) for k, span in enumerate(layout.windows)]
    stream = read_windows(enumerate(blurry), windows)
    restore_windows(stream, len(windows), layout, survey_of(size), CONFIG, keep, [])
    return latent


def compare(size: Size, layout: Layout) -> Row:
    """What parts change: PSNR, over all frames and over those next to a border of windows, and gray levels."""
    sharp, whole, parts = clip_of(size).sharp, restored_whole(size), restored_in_parts(size, layout)
    before, after = (np.asarray(metrics.psnr(latent, sharp)) for latent in (whole, parts))
    difference = 255 * np.abs(whole - parts)
    row = {"whole dB": before.mean(), "parts dB": after.mean(), "loss dB": (before - after).mean()}
    borders = [k for span in layout.windows[1:] for k in (span.first - 1, span.first)]
    if borders:
        row["loss at borders dB"] = (before - after)[borders].mean()
    row |= {
        "worst frame dB": (before - after).max(),
        "mean difference": difference.mean(),
        "99.9 %": np.quantile(difference, 0.999),
        "largest": difference.max(),
    }
    return rounded(row)


def rounded(row: dict[str, np.floating]) -> Row:
    """To four places, as Python's numbers."""
    return {name: round(float(value), 4) for name, value in row.items()}


def windows(length: int, context: int) -> Row:
    """24 frames of 192x144 in windows of a length."""
    return compare(Size(24, 144, 192), Layout(cut(24, length, 2 * context), cut(144, 144, 0), cut(192, 192, 0)))


def tiles(height: int, width: int, count: int) -> Row:
    """7 frames in count x count tiles."""
    size = Size(7, height, width)
    overlap = tile_overlap(survey_of(size).blur)
    rows, columns = (cut(length, -(-(length + (count - 1) * overlap) // count), overlap) for length in (height, width))
    return compare(size, Layout(cut(7, 7, 0), rows, columns)) | {"overlap px": overlap}


def tiles_of_4k(gigabytes: float) -> Row:
    """The first 2 x 2 tiles of 5 frames of 3840x2160, whose blur is about 14 px long."""
    whole = clip_of(Size(5, 540, 960, 16.0))
    blur = take_survey(lambda start, stop: whole.blurry[start:stop], 5, TAU, CONFIG).blur
    layout = lay_out(5, 2160, 3840, blur, budget(gigabytes * GIB, 3))
    (top, below), (left, right) = layout.rows[:2], layout.columns[:2]
    height, width = top.stop - top.start, left.stop - left.start
    overlap = top.stop - below.start
    size = Size(5, below.stop, right.stop, 16.0)
    rows, columns = cut(size.height, height, overlap), cut(size.width, width, left.stop - right.start)
    row = compare(size, Layout(cut(5, 5, 0), rows, columns))
    return row | {"tile": f"{width}x{height}", "overlap px": overlap}


def scatter() -> Row:
    """PSNR of one place, 72 px and more off the borders of a frame that is cut out of a larger one here and there."""
    size, border, corners = Size(5, 352, 448, 16.0), 72, ((0, 0), (16, 16), (32, 32), (0, 32))
    height, width = size.height - 32, size.width - 32
    clip, scores = clip_of(size), []
    place = np.s_[:, 32 + border : height - border, 32 + border : width - border]
    for y, x in corners:
        latent = np.zeros_like(clip.sharp)
        cut_out = np.s_[:, y : y + height, x : x + width]
        latent[cut_out] = restore_block(clip.blurry[cut_out], survey_of(size), CONFIG, []).latent
        scores.append(np.asarray(metrics.psnr(latent[place], clip.sharp[place])))
    means = np.mean(scores, 1)
    return rounded({"lowest dB": means.min(), "highest dB": means.max(), "widest frame dB": np.ptp(scores, 0).max()})


def command(arguments: list[str], sampled: bool = False) -> tuple[float, list[int], str]:
    """Seconds of a command, its peak memory in bytes (or `sampled` every second), and what it prints."""
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "gvd_jax", *arguments], stdout=subprocess.PIPE, text=True)
    name, memory = "VmRSS:" if sampled else "VmHWM:", []
    while process.poll() is None:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        memory += [int(line.split()[1]) * 1024 for line in lines if line.startswith(name)]
        time.sleep(1.0 if sampled else 0.1)
    assert process.returncode == 0 and process.stdout is not None
    return time.monotonic() - begun, memory, process.stdout.read()


def memory(size: Size, gigabytes: float) -> Row:
    """The peak under --max-memory."""
    with tempfile.TemporaryDirectory() as folder:
        gvd.write_video(f"{folder}/in", clip_of(size).blurry)
        arguments = [f"{folder}/in", f"{folder}/out", "--duty-cycle", str(TAU), "--max-memory", str(gigabytes)]
        seconds, peaks, _ = command(["deblur", *arguments, "--quiet"])
        score = metrics.psnr(gvd.read_video(f"{folder}/out").frames, clip_of(size).sharp).mean()
    return {
        "allowed GB": gigabytes,
        "peak GB": round(max(peaks) / GIB, 3),
        "seconds": round(seconds, 1),
        "dB": round(float(score), 3),
    }


def soak() -> Row:
    """2,000 frames of 64x48 by the fast preset."""
    with tempfile.TemporaryDirectory() as folder:
        frames = clip_of(Size(40, 48, 64)).blurry
        there_and_back = np.concatenate([frames, frames[-2:0:-1]])
        gvd.write_video(f"{folder}/in.mp4", there_and_back[np.arange(2000) % len(there_and_back)], fps=30)
        arguments = [f"{folder}/in.mp4", f"{folder}/out.mp4", "--duty-cycle", str(TAU), "--preset", "fast", "--quiet"]
        seconds, held, _ = command(["deblur", *arguments], sampled=True)
        count = len(gvd.read_video(f"{folder}/out.mp4").frames)
    row: Row = {"frames": count, "seconds": round(seconds, 1), "peak GB": round(max(held) / GIB, 3)}
    for part in (0.25, 0.5, 0.75, 0.95):
        near = held[round((part - 0.05) * len(held)) : round((part + 0.05) * len(held))]
        row[f"GB at {part:.0%}"] = round(float(np.median(near)) / GIB, 3)
    return row


def main(rows: tuple[str, ...] = ()) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    trials: dict[str, Callable[[], Row]] = {
        "windows of 12, 2 more on either side": lambda: windows(12, 2),
        "windows of 12, 3 more on either side": lambda: windows(12, 3),
        "windows of 12, 4 more on either side": lambda: windows(12, 4),
        "2x2 tiles of 640x480": lambda: tiles(480, 640, 2),
        "2x2 tiles of 4K": lambda: tiles_of_4k(3.5),
        "the same place in four frames up to 32 px apart": scatter,
        "7 frames of 320x240 in 2 GB": lambda: memory(Size(7, 240, 320), 2.0),
        "7 frames of 640x480 in 2 GB": lambda: memory(Size(7, 480, 640), 2.0),
        "9 frames of 1280x720 in 3 GB": lambda: memory(Size(9, 720, 1280), 3.0),
        "2,000 frames of 64x48": soak,
    }
    kept = Results(Path("experiments/results/long_clips.json"))
    for name, measure in trials.items():
        if kept.wants(name, rows):
            kept.add(name, measure())
    print(kept.table())


if __name__ == "__main__":
    run(main)
