"""A photograph in motion, and the file that a user would have of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

import gvd_jax as gvd
from experiments.clips import fitting_duty_cycle
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import Layer, Transfer, decode, encode, photograph, random_path
from gvd_jax.video.synthesize import RenderedClip, render

FRAMES, HEIGHT, WIDTH = 10, 144, 192
DUTY_CYCLE, MOTION = 0.4, 7.0  # an exposure of .8 of the interval; pixels per interval
SCALE = 1.5  # pixels of the photograph per pixel
CURVE: Transfer = "srgb"
PHOTOGRAPHS = {"astronaut": 1, "motorcycle": 2}  # and the seeds of their paths


@dataclass(frozen=True)
class Clip:
    """What a user has and what it should become: frames [T, H, W, C], display values in [0, 1].

    `write` makes the file or the folder of images of the blurry frames under a name, and returns its path; `tau` is
    what should be found, None where the clip does not tell or has several.
    """

    blurry: HostArray
    sharp: HostArray
    write: Callable[[HostArray, Path], Path]
    tau: float | None = DUTY_CYCLE


@dataclass(frozen=True)
class Kind:
    """`make` shoots a clip of a photograph at one of the `strengths`; `said` is a word of the line that tells of it."""

    make: Callable[[str, float], Clip]
    strengths: tuple[float, ...]
    said: str = ""


@cache
def fitting_tau(name: str) -> float:
    """The duty cycle that explains the shake of a photograph best by the flow to its neighbours, in parts of its own:
    what a clip can tell."""
    clip = shoot(name)
    sharp, curve = np.clip(clip.sharp, 0, 1), gvd.Config.default().with_transfer(CURVE).camera.transfer
    assert curve is not None
    return fitting_duty_cycle(clip.blurry, sharp, np.nan_to_num(clip.flow), curve) / DUTY_CYCLE


def eight_bits(frames: HostArray) -> np.ndarray:
    """Bytes of display values."""
    return np.round(255 * np.clip(frames, 0, 1)).astype(np.uint8)


def as_images(frames: HostArray, path: Path) -> Path:
    """PNG images 0000.png, ... in a folder."""
    return as_numbered_images(frames, path, range(len(frames)))


def as_numbered_images(frames: HostArray, path: Path, numbers: range | list[int]) -> Path:
    """PNG images with those numbers."""
    path.mkdir(parents=True)
    for number, frame in zip(numbers, eight_bits(frames), strict=True):
        Image.fromarray(frame.squeeze()).save(path / f"{number:04d}.png")
    return path


def shoot(
    name: str,
    frames: int = FRAMES,
    tau: float = DUTY_CYCLE,
    motion: float = MOTION,
    light: float = 1.0,
    defocus: float = 0.0,
    seed: int | None = None,
    curve: Transfer = CURVE,
) -> RenderedClip:
    """A photograph under a hand-held shake, `light` times as bright; without noise."""
    rng = np.random.default_rng(PHOTOGRAPHS.get(name, 3) if seed is None else seed)
    texture = encode_brighter(photograph(name), light)
    layer = Layer(texture, SCALE, random_path(rng, frames, motion))
    return render([layer], frames, HEIGHT, WIDTH, tau, (defocus,), transfer=curve)


def encode_brighter(values: HostArray, times: float) -> HostArray:
    """Display values under so many times the light, beyond 1 where a sensor clips."""
    light = times * decode(values, CURVE)
    return np.where(light <= 1, encode(light, CURVE), 1.055 * np.maximum(light, 1) ** (1 / 2.4) - 0.055)


def exposed(frames: HostArray, gains: HostArray) -> HostArray:
    """Display values of frames [T, H, W, C] whose light is multiplied by `gains`, which broadcast, and clipped."""
    return encode(gains * decode(frames, CURVE), CURVE)


def per_frame(values: HostArray) -> HostArray:
    """Numbers per frame, [T], that broadcast over the frames."""
    return np.asarray(values)[:, None, None, None]


def noisy(frames: HostArray, deviation: float, seed: int = 0) -> HostArray:
    """With Gaussian noise, display values."""
    return frames + deviation * np.random.default_rng(seed).standard_normal(frames.shape)


def plain(clip: RenderedClip, tau: float | None = DUTY_CYCLE) -> Clip:
    """A rendered clip as images."""
    return Clip(clip.blurry, np.clip(clip.sharp, 0, 1), as_images, tau)


def under(change: Callable[[HostArray], HostArray], clip: RenderedClip, tau: float | None = DUTY_CYCLE) -> Clip:
    """A rendered clip whose frames, blurry and true, are changed alike."""
    return Clip(change(clip.blurry), change(np.clip(clip.sharp, 0, 1)), as_images, tau)
