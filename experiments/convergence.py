"""Energy and PSNR against seconds: the schedule of the paper and ours.

    python -m experiments.convergence [--rows default ...]

Every schedule restores one rendered clip without defocus twice; the seconds are those of the second time, when all is
compiled. After every step the unknowns are brought to full size and judged there, apart from the clock, all by the same
energy: Eq. (8) of the luma with the default's kernel and weights. The curves stand in results/convergence.png.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.clips import rendered_clip
from experiments.command import run
from experiments.results import Results, Row
from experiments.subproblems import printed_energy
from gvd_jax import metrics
from gvd_jax.ops.transfer import luma

FRAMES, HEIGHT, WIDTH = 5, 180, 240
TAU = 0.5
MOTION = 6.0  # px per frame interval on average
SAMPLES = 6
STARTS = ("afresh", "guess ends")  # stages that only set what the next one begins with


def _paper_on_our_energy() -> gvd.Config:
    """The paper's levels, blocks, linearisation and iterations, with the default's kernel and data weight."""
    config, default = gvd.Config.gvd2015(), gvd.Config.default()
    return config.with_blur(*default.blur.operators).with_weights(data=default.energy["data"].weight)


SCHEDULES: dict[str, Callable[[], gvd.Config]] = {
    "default": gvd.Config.default,
    "fast": gvd.Config.fast,
    "paper": gvd.Config.gvd2015,
    "paper, our kernel and data weight": _paper_on_our_energy,
}


@partial(jax.jit, static_argnames="shape")
def _judge(unknowns: gvd.Unknowns, gray: jax.Array, shape: tuple[int, int]) -> tuple[jax.Array, jax.Array]:
    """Energy per pixel, and the luma, at full size."""
    unknowns = gvd.replace(unknowns, latent=luma(unknowns.latent))
    if "defocus" not in unknowns:
        unknowns = gvd.replace(unknowns, defocus=jnp.zeros(unknowns.latent.shape[:3]))
    declared = (gvd.LATENT, gvd.FLOW, gvd.DEFOCUS)
    full = gvd.Unknowns(**{own.name: own.to_level(unknowns[own.name], own.axes, *shape) for own in declared})
    observation = gvd.observe(gray, TAU, gvd.Config.default().blur.with_samples(SAMPLES))
    total, _ = gvd.evaluate(printed_energy(), full, gvd.Confirmed().see(full, observation))
    return total / gray.size, full.latent


def measure(config: gvd.Config) -> Row:
    """Seconds, energy and PSNR at the end, and after every step."""
    clip = rendered_clip(FRAMES, HEIGHT, WIDTH, TAU, MOTION)
    gray, sharp = (luma(jnp.asarray(frames)) for frames in (clip.blurry, clip.sharp))
    begin = time.monotonic()
    gvd.deblur(clip.blurry, TAU, config)
    first = time.monotonic() - begin
    steps: list[Any] = []
    result = gvd.deblur(clip.blurry, TAU, config, hooks=[steps.append])

    def point(step: Any) -> list[float]:
        energy, latent = _judge(step.unknowns, gray, (HEIGHT, WIDTH))
        return [round(step.seconds, 2), round(float(energy), 4), round(float(metrics.psnr(latent, sharp).mean()), 3)]

    curve = [point(step) for step in steps if step.unknowns is not None and step.stage not in STARTS]
    seconds, energy, luma_psnr = curve[-1]
    gain = metrics.psnr(result.latent, clip.sharp) - metrics.psnr(clip.blurry, clip.sharp)
    return {
        "seconds": seconds,
        "first time s": round(first, 1),
        "energy per pixel": energy,
        "PSNR of the luma dB": luma_psnr,
        "blurry luma dB": round(float(metrics.psnr(gray, sharp).mean()), 3),
        "gain dB": round(float(gain.mean()), 3),
        "curve": curve,
    }


def draw(rows: dict[str, Row], path: Path) -> None:
    """The curves of every schedule, over the seconds on a logarithmic axis."""
    from matplotlib.figure import Figure

    from gvd_jax.view.figures import save

    figure = Figure(figsize=(10, 4), layout="constrained")
    for column, label in ((1, "energy per pixel"), (2, "PSNR of the luma, dB")):
        axes = figure.add_subplot(1, 2, column, xlabel="seconds", ylabel=label, xscale="log")
        for name, row in rows.items():
            curve = np.array(row["curve"])
            axes.plot(curve[:, 0], curve[:, column], marker="o", markersize=3, label=name)
        if column == 1:
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def main(rows: tuple[str, ...] = (), results: Path = Path("experiments/results/convergence.json")) -> None:
    """Measure the named rows, or those that are missing, print the table and draw the curves."""
    kept = Results(results)
    for name, schedule in SCHEDULES.items():
        if kept.wants(name, rows):
            kept.add(name, measure(schedule()))
    draw(kept.rows, results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
