"""What the pictures owe to each number of the method that no paper gives: the default with one of them halved, doubled.

    python -m experiments.constants [--rows NAME ...]

The clip is the middle, 192x160, of two photographs, one out of focus before the other, in motion and with noise; its
truth is known. A number whose half and double change nothing need not be known better. Numbers of the presets have rows
in quality.py.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import jax
import numpy as np

import gvd_jax as gvd
from experiments.clips import defocused_clip
from experiments.command import run
from experiments.results import Results, Row
from gvd_jax import metrics

# By module: numbers that a program is traced with.
NUMBERS = {
    "model.terms": ("ZERO_ORDER_WEIGHT", "DARK"),
    "method.boundaries": ("OFFSETS", "GIVE_UP", "RESOLUTION"),
    "method.edge_width": ("WHOLE_FRAME", "SMALLEST", "NOISE", "TILE"),
    "method.ends": ("GRID", "SHARE"),
    "method.noise": ("TILE", "FLATTEST"),
    "method.occlusion": ("RELATIVE", "ABSOLUTE"),
    "ops.gaussian_defocus": ("SOFTNESS",),
}


def _stages(change: Callable[[Any], Any]) -> gvd.Config:
    """The default with every stage changed."""
    return gvd.Config.default().with_stages(lambda stage: (change(stage),))


def _residual(name: str, factor: float) -> gvd.Config:
    """The default with another softness of a term."""
    config = gvd.Config.default()
    term: Any = config.energy[name]
    softer = gvd.replace(term.residual, softness=factor * term.residual.softness)
    return config.with_term(name, gvd.replace(term, residual=softer))


# Numbers of settings, by what they are of.
SETTINGS: dict[str, Callable[[float], gvd.Config]] = {
    "brightness.softness": lambda factor: _residual("brightness", factor),
    "structure.softness": lambda factor: _residual("structure", factor),
    "Blend.tolerance": lambda factor: _stages(
        lambda s: gvd.replace(s, tolerance=factor * s.tolerance) if isinstance(s, gvd.Blend) else s
    ),
    **{
        f"weight of {name}": lambda factor, name=name: gvd.Config.default().with_weights(
            **{name: factor * gvd.Config.default().energy[name].weight}
        )
        for name in gvd.Config.default().energy
    },
}


def restored(config: gvd.Config) -> float:
    """PSNR of the clip, the mean over its frames."""
    clip = defocused_clip("coffee", "astronaut", (0.0, 1.5), seed=8)
    blurry, sharp = (frames[:, 40:200, 64:256] for frames in (clip.blurry, clip.sharp))
    return float(np.mean(metrics.psnr(gvd.deblur(blurry, clip.duty_cycle, config).latent, sharp)))


def under(module: str, name: str, factor: float) -> float:
    """PSNR with a number of a module changed; whatever has been traced with the other one is traced again."""
    home = import_module(f"gvd_jax.{module}")
    usual = getattr(home, name)
    setattr(home, name, round(factor * usual) if isinstance(usual, int) else factor * usual)
    jax.clear_caches()
    try:
        return restored(gvd.Config.default())
    finally:
        setattr(home, name, usual)
        jax.clear_caches()


def trials() -> dict[str, Callable[[float], float]]:
    """PSNR under a factor, by the name of the number."""
    numbers = {
        f"{module}.{name}": lambda factor, module=module, name=name: under(module, name, factor)
        for module, names in NUMBERS.items()
        for name in names
    }
    return numbers | {name: lambda factor, make=make: restored(make(factor)) for name, make in SETTINGS.items()}


def main(rows: tuple[str, ...] = ()) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    kept = Results(Path("experiments/results/constants.json"))
    usual = "as it is"
    if kept.wants(usual, rows):
        kept.add(usual, {"dB": round(restored(gvd.Config.default()), 3)})
    for name, measure in trials().items():
        if kept.wants(name, rows):
            half, double = (round(measure(factor) - kept.rows[usual]["dB"], 3) for factor in (0.5, 2.0))
            row: Row = {"half, dB more": half, "double, dB more": double}
            kept.add(name, row)
    print(kept.table())


if __name__ == "__main__":
    run(main)
