"""Scenes for the paper's tables, of photographs and seeds that nothing was tuned on."""

from dataclasses import replace

import numpy as np

from gvd_jax.video.layers import Layer, Path, ellipse, middle, photograph, random_path
from gvd_jax.video.synthesize import PHOTOGRAPHS


def scene(number: int, frames: int, height: int, width: int) -> list[Layer]:
    """A shaken view of a photograph; in two of three scenes another moves before it, which covers up to a fifth."""
    rng = np.random.default_rng(100 + number)
    behind = PHOTOGRAPHS[number % len(PHOTOGRAPHS)]
    before = rng.choice([name for name in PHOTOGRAPHS if name != behind])
    back, front = photograph(behind), photograph(before)
    fit = [min(p.shape[0] / height, p.shape[1] / width) for p in (back, front)]
    layers = [Layer(back, 0.8 * fit[0], random_path(rng, frames, rng.uniform(4, 7)))]
    if number % 3:
        rows, columns, _ = front.shape
        matte = ellipse(front.shape, middle(front.shape), 0.3 * columns + 0.3j * rows, rng.uniform(-0.5, 0.5))
        place = width * rng.uniform(-0.2, 0.2) + 1j * height * rng.uniform(-0.2, 0.2)
        layers.append(Layer(front, 1.3 * fit[1], random_path(rng, frames, rng.uniform(4, 7), offset=place), matte))
    return layers


def at_rest(layers: list[Layer], time: float) -> list[Layer]:
    """The same scene, standing as it is at a `time`, frame intervals."""
    return [replace(layer, path=Path(layer.path.position(time))) for layer in layers]
