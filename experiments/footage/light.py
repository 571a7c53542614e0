"""Exposure, sensor, lens: what a camera does to light."""

from functools import partial

import numpy as np
from scipy.ndimage import zoom

from experiments.footage.clip import (
    FRAMES,
    HEIGHT,
    MOTION,
    PHOTOGRAPHS,
    SCALE,
    WIDTH,
    Clip,
    Kind,
    as_images,
    encode_brighter,
    exposed,
    noisy,
    per_frame,
    plain,
    shoot,
    under,
)
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import Layer, Path, decode, ellipse, photograph, random_path
from gvd_jax.video.synthesize import render

STEP = np.arange(FRAMES) >= FRAMES // 2


def _flicker(name: str, depth: float) -> Clip:
    """Every frame has another part of the light, up to `depth` less."""
    gains = 1 - depth * np.random.default_rng(7).uniform(size=FRAMES)
    return under(lambda frames: exposed(frames, per_frame(gains)), shoot(name))


def _ramp(name: str, last: float) -> Clip:
    """An automatic exposure that goes to so many times the light of the first frame."""
    gains = last ** (np.arange(FRAMES) / (FRAMES - 1))
    return under(lambda frames: exposed(frames, per_frame(gains)), shoot(name))


def _step(name: str, times: float) -> Clip:
    """The second half has so many times the light."""
    return under(lambda frames: exposed(frames, per_frame(np.where(STEP, times, 1.0))), shoot(name))


def _white_balance(name: str, drift: float) -> Clip:
    """Red rises and blue falls by so much."""
    way = np.arange(FRAMES)[:, None] / (FRAMES - 1) * drift * np.array([1, 0, -1])
    return under(lambda frames: exposed(frames, (1 + way)[:, None, None, :]), shoot(name))


def _vignette(name: str, depth: float) -> Clip:
    """The corners have so much less light."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    radius = ((y / HEIGHT - 0.5) ** 2 + (x / WIDTH - 0.5) ** 2)[..., None] * 2
    return under(lambda frames: exposed(frames, 1 - depth * radius), shoot(name))


def _noise(name: str, deviation: float) -> Clip:
    """Noise of so many of 255."""
    clip = shoot(name)
    return Clip(noisy(clip.blurry, deviation / 255), clip.sharp, as_images)


def _dark(name: str, light: float) -> Clip:
    """So much of the light, and noise of 1/255."""
    clip = shoot(name, light=light)
    return Clip(noisy(clip.blurry, 1 / 255), clip.sharp, as_images)


def _hot_pixels(name: str, share: float) -> Clip:
    """So many pixels of the sensor are white in all frames; the truth has them as well, for nothing is said of them."""
    hot = np.random.default_rng(9).uniform(size=(HEIGHT, WIDTH, 1)) < share
    return under(lambda frames: np.where(hot, 1.0, frames), shoot(name))


def _lamps(name: str, colour: tuple[float, float, float], light: float) -> Clip:
    """A dark scene with lamps of that colour, so much brighter than white."""
    dark = encode_brighter(photograph(name), 0.08)
    rng = np.random.default_rng(11)
    rows, columns, _ = dark.shape
    for _ in range(25):
        centre = complex(rng.uniform(0, columns), rng.uniform(0, rows))
        radius = rng.uniform(2, 5)
        lamp = ellipse(dark.shape, centre, radius + 1j * radius)[..., None]
        dark = np.where(lamp > 0, encode_brighter(np.ones(3), light) * np.array(colour), dark)
    path = random_path(np.random.default_rng(PHOTOGRAPHS[name]), FRAMES, MOTION)
    clip = render([Layer(dark, SCALE, path)], FRAMES, HEIGHT, WIDTH, 0.4, transfer="srgb")
    return Clip(noisy(clip.blurry, 0.5 / 255), clip.sharp, as_images)


def _recorded(name: str, gamma: float) -> Clip:
    """Light under another curve: 1 for files of which display values were averaged, 3 for a flat profile."""
    clip = shoot(name, curve="none" if gamma == 1 else "srgb")
    if gamma == 1:
        return plain(clip)
    return under(lambda frames: decode(frames, "srgb") ** (1 / gamma), clip)


def _chroma(name: str, larger: float) -> Clip:
    """Red is so much larger than green, and blue smaller: the colours of a cheap lens."""

    def change(frames: HostArray) -> HostArray:
        return np.stack([_zoomed(frames[..., 0], 1 + larger), frames[..., 1], _zoomed(frames[..., 2], 1 - larger)], -1)

    return under(change, shoot(name))


def _zoomed(frames: HostArray, factor: float) -> HostArray:
    """Frames [T, H, W] about their middle, borders repeated."""
    rows, columns = round(HEIGHT * 0.04), round(WIDTH * 0.04)
    wide = np.pad(frames, ((0, 0), (rows, rows), (columns, columns)), mode="edge")
    larger = np.stack([zoom(frame, factor, order=3) for frame in wide])
    top, left = (larger.shape[1] - HEIGHT) // 2, (larger.shape[2] - WIDTH) // 2
    return np.clip(larger[:, top : top + HEIGHT, left : left + WIDTH], 0, 1)


def _object(name: str, speed: float) -> Clip:
    """The camera stands still; an ellipse of another photograph crosses the frame."""
    others = [other for other in PHOTOGRAPHS if other != name]
    front = photograph(others[0])
    rows, columns, _ = front.shape
    matte = ellipse(front.shape, columns / 2 + 0.5j * rows, columns / 5 + 0.25j * rows)
    crossing = Path(-speed * (FRAMES - 1) / 2, speed)
    layers = [Layer(photograph(name), SCALE, Path()), Layer(front, 2 * SCALE, crossing, matte)]
    return plain(render(layers, FRAMES, HEIGHT, WIDTH, 0.4, transfer="srgb"))


def _own_motion(name: str, strength: float, zooming: float, turning: float) -> Clip:
    """The camera zooms or turns about its axis, `strength` times log zoom and radians a frame."""
    path = Path(frequency=np.array([0.03]), twist=np.array([strength * (zooming + 1j * turning) / (2 * np.pi * 0.03)]))
    layer = Layer(photograph(name), SCALE, path)
    return plain(render([layer], FRAMES, HEIGHT, WIDTH, 0.4, transfer="srgb"))


KINDS = {
    "flicker": Kind(_flicker, (0.15, 0.4), "exposure changes"),
    "automatic exposure": Kind(_ramp, (0.5, 1.6), "exposure changes"),
    "step of exposure": Kind(_step, (0.7, 1.6), "exposure changes"),
    "white balance": Kind(_white_balance, (0.05, 0.2)),
    "vignette": Kind(_vignette, (0.4, 0.8)),
    "noise": Kind(_noise, (2, 6)),
    "dark": Kind(_dark, (0.1, 0.03)),
    "hot pixels": Kind(_hot_pixels, (0.0005, 0.005)),
    "overexposed": Kind(lambda name, light: plain(shoot(name, light=light)), (1.5, 3)),
    "lamps at night": Kind(lambda name, light: _lamps(name, (1.0, 1.0, 1.0), light), (2, 10)),
    "coloured lamps": Kind(lambda name, light: _lamps(name, (1.0, 0.5, 0.1), light), (2, 10)),
    "other curve": Kind(_recorded, (1, 3)),
    "coloured rims": Kind(_chroma, (0.005, 0.015)),
    "defocus": Kind(lambda name, sigma: plain(shoot(name, defocus=sigma)), (1, 2)),
    "short shutter": Kind(lambda name, tau: plain(shoot(name, tau=tau), tau), (0.2, 0.1)),
    "open shutter": Kind(lambda name, motion: plain(shoot(name, tau=0.5, motion=motion), 0.5), (4, 12)),
    "sharp": Kind(lambda name, motion: plain(shoot(name, tau=0.0, motion=motion), 0.0), (3, 10)),
    "slow": Kind(lambda name, motion: plain(shoot(name, motion=motion), None), (1, 2.5)),
    "fast": Kind(lambda name, motion: plain(shoot(name, motion=motion)), (14, 20)),
    "object before a still scene": Kind(_object, (6, 12)),
    "zoom": Kind(partial(_own_motion, zooming=1.0, turning=0.0), (0.04, 0.08)),
    "turn": Kind(partial(_own_motion, zooming=0.0, turning=1.0), (0.06, 0.12)),
}
