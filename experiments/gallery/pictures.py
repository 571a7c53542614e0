"""What the scripts of the gallery share: clips with known truth, and where pictures go."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import gvd_jax as gvd
from gvd_jax import metrics
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import Layer, photograph, random_path
from gvd_jax.video.synthesize import RenderedClip, render
from gvd_jax.view.figures import before_after, save

FOLDER = Path("docs/gallery")
Size = tuple[int, int, int]  # frames, rows, columns
Pictures = dict[str, HostArray]  # clips [T, H, W, C] by what they are; the last is the truth


def shaken(
    size: Size, name: str = "motorcycle", motion: float = 4.0, noise: float = 0.0, defocus: float = 0.0
) -> RenderedClip:
    """A photograph under a hand-held shake of `motion` pixels per frame interval on average, at tau = 0.45."""
    path = random_path(np.random.default_rng(5), size[0], motion)
    return render([Layer(photograph(name), 1.5, path)], *size, 0.45, (defocus,), noise=noise, seed=5)


def compare(blurry: HostArray, truth: HostArray, duty_cycle: float, settings: dict[str, gvd.Config]) -> Pictures:
    """A clip as it was, restored under each of the settings, and as it should be. It has no camera curve."""
    plain = {name: config.with_transfer("none") for name, config in settings.items()}
    found = {name: np.asarray(gvd.deblur(blurry, duty_cycle, config).latent) for name, config in plain.items()}
    return {"blurry": blurry} | found | {"truth": truth}


def decibels(pictures: Pictures) -> dict[str, float]:
    """PSNR of all clips against the last one, the mean over frames."""
    *others, truth = pictures
    return {name: float(np.mean(metrics.psnr(pictures[name], pictures[truth]))) for name in others}


def draw(name: str, make: Callable[[Size], Pictures], size: Size = (5, 144, 192)) -> None:
    """Draw the middle frames into the gallery and print how near to the truth the clips are."""
    pictures = make(size)
    FOLDER.mkdir(parents=True, exist_ok=True)
    near = decibels(pictures)
    labels = {own: f"{own}, {near[own]:.1f} dB" if own in near else own for own in pictures}
    save(before_after({labels[own]: clip[len(clip) // 2] for own, clip in pictures.items()}), FOLDER / f"{name}.png")
    print(*(f"{own}: {value:.2f} dB" for own, value in near.items()), sep="\n")
