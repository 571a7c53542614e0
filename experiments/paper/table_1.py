"""Table 1: motion blur and a Gaussian blur of 1, 1.5 or 2 px, [20] against ours.

    python -m experiments.paper.table_1 [--full] [--footage DIR]

High-speed footage is blurred by the Gaussian, and every 15 frames are averaged (section 5.1). The paper's footage is
not at hand: give it as a folder of folders of frames, or the same recipe runs on footage rendered from photographs,
which moves at most a pixel per frame. [20] is the preset `gvd2015`. Rows that the results have are measured again only
if named.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import gvd_jax as gvd
from experiments.clips import TrueClip, of_frames, of_rendered
from experiments.command import run
from experiments.paper import systems
from experiments.paper.layout import comparison
from experiments.paper.scenes import scene
from experiments.paper.systems import System
from experiments.results import Results
from gvd_jax.shapes import HostArray
from gvd_jax.video.high_speed import frames_missing
from gvd_jax.video.synthesize import average_frames, render, render_footage

PER_EXPOSURE = 15  # frames of the footage, as in section 5.1
SAMPLES = 6  # per side of the exposure, for [20]: one per 1.8 px of the largest motion, with room
EVERY = slice(None)
SIGMAS = (1.0, 1.5, 2.0)
PRINTED = {
    ("[20]", "1.0"): (29.49, 0.8769),
    ("[20]", "1.5"): (28.11, 0.8363),
    ("[20]", "2.0"): (27.08, 0.8023),
    ("ours", "1.0"): (29.86, 0.8863),
    ("ours", "1.5"): (28.80, 0.8553),
    ("ours", "2.0"): (27.57, 0.8158),
}
SYSTEMS = ("blurry", "[20]", "paper preset", "ours", "exact")
REMARKS = (
    "PSNR in dB (SSIM), the first and the last frame of a clip left out. The paper's columns are of its own footage: "
    "gains can be compared, levels cannot. Exact: our latent frames with the true flow and defocus."
)


def rendered(count: int, frames: int, height: int, width: int) -> Iterator[tuple[TrueClip, HostArray]]:
    """Clips with their truth, still without blur, and the footage that they are to be averaged from."""
    for number in range(count):
        layers = scene(number, frames, height, width)
        truth = render(layers, frames, height, width, 0.0)
        footage = render_footage(layers, frames, PER_EXPOSURE, height, width)
        yield replace(of_rendered(f"{number + 1}", truth), duty_cycle=0.5), footage


def read(folder: Path, count: int | None, part: tuple[slice, slice, slice]) -> Iterator[tuple[TrueClip, HostArray]]:
    """The same of real footage, the first `count` folders of frames, of which nothing is known but the sharp frames.

    `part` are frames, rows and columns. Raises `InputError` if there is none, or one that moves too fast.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_dir())
    if not paths:
        raise gvd.InputError(f"{folder} holds no folders; give one that has a folder of frames for each sequence")
    for path in paths[:count]:
        footage = gvd.read_video(path, part[0]).frames[:, *part[1:]]
        frames_missing(footage, interpolate=False)
        _, sharp, tau = average_frames(footage, PER_EXPOSURE)
        yield of_frames(path.name, sharp, sharp, tau), footage


def blurred(clip: TrueClip, footage: HostArray, sigma: float) -> TrueClip:
    """The clip of that footage, each of whose frames has been blurred by a Gaussian of std `sigma` px first."""
    mean, sharp, _ = average_frames(footage, PER_EXPOSURE, sigma=sigma)
    frames = (np.round(mean * 255) / 255).astype(np.float32)
    return replace(clip, blurry=frames, sharp=sharp, defocus=np.full_like(clip.defocus, sigma))


def main(
    full: bool = False, footage: Path | None = None, rows: tuple[str, ...] = (), results: Path | None = None
) -> None:
    """Measure the named rows, or those that are missing, and print the table.

    Two clips of 160x120 and two levels of [20], or with `full` eight of 320x240, all 17, and the paper's own preset. Of
    `footage` the upper left corner of the first two sequences, or with `full` all there is.
    """
    name = f"table_1{f'_{footage.name}' if footage else ''}{'' if full else '_quick'}"
    levels = systems.ALL_LEVELS if full else systems.QUICK_LEVELS
    heads = {f"{sigma}": f"sigma {sigma}" for sigma in SIGMAS}
    layout = comparison(heads, SYSTEMS, ("PSNR", "SSIM"), PRINTED, REMARKS, ("[20]", "ours"))
    kept = Results(results or Path(f"experiments/results/{name}.json"), layout)
    compared: dict[str, System] = {
        "blurry": systems.blurry,
        "[20]": systems.predecessor(levels, SAMPLES),
        "ours": systems.ours,
    }
    if footage is None:
        compared["exact"] = systems.exact
    if full:
        compared["paper preset"] = systems.as_printed(levels, SAMPLES)
    if footage:
        clips = (
            read(footage, None, (EVERY, EVERY, EVERY))
            if full
            else read(footage, 2, (slice(75), slice(120), slice(160)))
        )
    else:
        clips = rendered(8, 7, 240, 320) if full else rendered(2, 5, 120, 160)
    for clip, fast in clips:
        for sigma, condition in zip(SIGMAS, heads, strict=True):
            systems.measure(kept, rows, clip.name, condition, compared, partial(blurred, clip, fast, sigma))
    print(kept.table())


if __name__ == "__main__":
    run(main)
