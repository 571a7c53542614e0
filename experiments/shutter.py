"""Ways to find the duty cycle of a clip: which comes nearest to the true one?

    python -m experiments.shutter [DATA] [--rows astronaut ...]

Two photographs on each other, shaken and noisy, for which nothing was tuned; of the folders in DATA those of real
footage. Every way but the first looks at frames that the fast preset has restored under several duty cycles. Rows that
experiments/results/shutter.json has are measured again only if named.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import tyro

import gvd_jax as gvd
from experiments.clips import fitting_duty_cycle, read_clip
from experiments.command import run
from experiments.results import Results, Row
from gvd_jax.ops.transfer import luma
from gvd_jax.ops.warp import warp
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import Layer, ellipse, photograph, random_path
from gvd_jax.video.synthesize import render

TAUS = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
SLOWEST = 3.0  # px per frame: what moves less shows no difference along and across
# Back, front, true duty cycle.
RENDERED = {
    "astronaut": ("astronaut", "chelsea", 0.15),
    "coffee": ("coffee", "rocket", 0.25),
    "rocket": ("rocket", "coffee", 0.35),
    "chelsea": ("chelsea", "astronaut", 0.45),
}
FOOTAGE = {"r4_alley": 0.41, "r5_market": 0.42, "r6_lane": 0.42, "r7_ball": 0.367, "r8_run": 0.5, "r9_street": 0.42}


def rendered(back: str, front: str, duty_cycle: float) -> tuple[HostArray, HostArray]:
    """Seven blurry frames 320x240 of two photographs, averaged in light, with noise; and the sharp ones."""
    rng = np.random.default_rng(round(100 * duty_cycle))
    before = photograph(front)
    height, width, _ = before.shape
    matte = ellipse(before.shape, width / 2 + 1j * height / 2, width / 4 + 1j * height / 3, 0.3)
    layers = [
        Layer(photograph(back), 1.0, random_path(rng, 7, 7.0)),
        Layer(before, 1.5, random_path(rng, 7, 8.0, offset=-30 + 20j), matte),
    ]
    clip = render(layers, 7, 240, 320, duty_cycle, transfer="gamma22", noise=0.004, seed=1)
    return clip.blurry, clip.sharp


def footage(folder: Path) -> tuple[HostArray, HostArray]:
    """Blurry and sharp frames of a folder."""
    clip = read_clip(folder)
    return clip.blurry, clip.sharp


def measure(blurry: HostArray, sharp: HostArray) -> Row:
    """What every way finds, and its own confidence where it has one; and what it should find."""
    results = [gvd.deblur(blurry, float(tau), gvd.Config.fast()) for tau in TAUS]
    found = gvd.find_duty_cycle(jnp.asarray(blurry), results[0].flow)
    whole = gvd.deblur(blurry)
    return {
        "fits the truth best": fitting_duty_cycle(blurry, sharp, whole.flow, whole.camera.transfer),
        "autocorrelation": found.duty_cycle,
        "its error": found.uncertainty,
        "autocorrelation, shake known": float(whole.duty_cycle[0]),
        "error, shake known": whole.camera.duty_cycle_error,
        "isotropy of edges": _crossing([_anisotropy(result) for result in results]),
        "agreement of neighbours": float(TAUS[np.argmin([_disagreement(result) for result in results])]),
        "knee of the residual": _knee([_data(result) for result in results]),
    }


def _anisotropy(result: gvd.Result) -> float:
    """Log of the energy of gradients along the motion over that across: 0 where both are as sharp."""
    gray, flow = np.asarray(luma(result.latent))[1:-1, ..., 0], np.asarray(result.flow)[1:-1]
    velocity = (flow[:, 0] - flow[:, 1]) / 2
    speed = np.linalg.norm(velocity, axis=-1)
    dy, dx = np.gradient(gray, axis=(1, 2))
    x, y = np.moveaxis(velocity / np.maximum(speed, 1e-6)[..., None], -1, 0)
    moves = speed > SLOWEST
    return float(np.log(np.square(x * dx + y * dy)[moves].mean() / np.square(x * dy - y * dx)[moves].mean()))


def _crossing(values: list[float]) -> float:
    """The duty cycle at which the values, which rise, pass 0; the nearest end if they do not."""
    order = np.argsort(values)
    return float(np.interp(0.0, np.array(values)[order], TAUS[order]))


def _disagreement(result: gvd.Result) -> float:
    """Median difference of restored neighbours, seen through the flow, relative to their gradients."""
    latent = np.asarray(result.latent)
    seen = np.asarray(warp(result.latent, result.flow, 1))[1:-1]
    gradients = np.abs(np.gradient(latent, axis=(1, 2))).mean()
    return float(np.median(np.abs(seen - latent[1:-1, None])) / gradients)


def _data(result: gvd.Result) -> float:
    """The last value of the data term."""
    return next(step.energy["data"] for step in reversed(result.history) if "data" in step.energy)


def _knee(values: list[float]) -> float:
    """Where the logarithm of the residual bends most."""
    bend = np.diff(np.log(values), 2)
    return float(TAUS[1:-1][np.argmax(bend)])


def main(
    data: tyro.conf.Positional[Path | None] = None,
    rows: tuple[str, ...] = (),
    results: Path = Path("experiments/results/shutter.json"),
) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    kept = Results(results)
    clips = {name: (lambda own=own: rendered(*own), own[2]) for name, own in RENDERED.items()}
    if data is not None:
        clips |= {name: (lambda name=name: footage(data / name), tau) for name, tau in FOOTAGE.items()}
    for name, (read, tau) in clips.items():
        if kept.wants(name, rows):
            kept.add(name, {"true tau": tau} | {way: round(value, 3) for way, value in measure(*read()).items()})
    print(kept.table())


if __name__ == "__main__":
    run(main)
