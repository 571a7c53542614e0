"""Frames that do not follow each other evenly: cuts, repeats, dissolves, fades, flashes, gaps."""

from collections.abc import Callable
from functools import partial

import numpy as np

from experiments.footage.clip import (
    FRAMES,
    PHOTOGRAPHS,
    Clip,
    Kind,
    as_images,
    as_numbered_images,
    exposed,
    noisy,
    per_frame,
    plain,
    shoot,
    under,
)
from gvd_jax.shapes import HostArray


def _other(name: str) -> str:
    names = list(PHOTOGRAPHS)
    return names[(names.index(name) + 1) % len(names)]


def _of_two(name: str, join: Callable[[HostArray, HostArray], HostArray]) -> Clip:
    """A clip whose frames, blurry and true, are made of those of two scenes."""
    first, second = shoot(name), shoot(_other(name))
    return Clip(join(first.blurry, second.blurry), join(first.sharp, second.sharp), as_images)


def _cut(name: str, frame: float) -> Clip:
    """Another scene from so many frames on."""
    k = int(frame)
    return _of_two(name, lambda first, second: np.concatenate([first[:k], second[k:]]))


def _short_shots(name: str, length: float) -> Clip:
    """Shots of so many frames each."""
    turn = np.arange(FRAMES) // int(length) % 2
    return _of_two(name, lambda first, second: np.where(per_frame(turn == 0), first, second))


def _repeats(name: str, every: float) -> Clip:
    """Every so many frames one is shown again, as a pulldown or a screen recording has it."""
    clip = shoot(name)
    kept = np.repeat(np.arange(FRAMES), 1 + (np.arange(FRAMES) % int(every) == 1))[:FRAMES]
    return Clip(clip.blurry[kept], clip.sharp[kept], as_images)


def _jump(name: str, lost: float, numbered: bool) -> Clip:
    """So many frames are lost in the middle; images that are `numbered` tell by their numbers."""
    clip = shoot(name, FRAMES + int(lost))
    kept = [*range(5), *range(5 + int(lost), FRAMES + int(lost))]
    write = partial(as_numbered_images, numbers=kept) if numbered else as_images
    return Clip(clip.blurry[kept], clip.sharp[kept], write)


def _dissolve(name: str, length: float) -> Clip:
    """Over so many frames one scene goes over into another."""
    share = per_frame(np.clip((np.arange(FRAMES) - (FRAMES - 1) / 2) / (length + 1) + 0.5, 0, 1))
    return _of_two(name, lambda first, second: (1 - share) * first + share * second)


def _fade(name: str, length: float, level: float) -> Clip:
    """From black (0) or white (1), over so many frames."""
    share = per_frame(np.clip(np.arange(FRAMES) / length, 0, 1))
    return under(lambda frames: share * frames + (1 - share) * level, shoot(name))


def _flash(name: str, times: float) -> Clip:
    """One frame has so many times the light, more than the sensor takes."""
    gains = np.ones(FRAMES)
    gains[4] = times
    return under(lambda frames: exposed(frames, per_frame(gains)), shoot(name))


def _black(name: str, count: float) -> Clip:
    """So many black frames in the middle."""
    shown = np.ones(FRAMES)
    shown[5 : 5 + int(count)] = 0
    return under(lambda frames: per_frame(shown) * frames, shoot(name))


def _foreign(name: str, frame: float) -> Clip:
    """One frame is of another scene."""
    at = per_frame(np.arange(FRAMES) == int(frame))
    return _of_two(name, lambda first, second: np.where(at, second, first))


def _freeze(name: str, count: float) -> Clip:
    """The clip begins with one picture, so many times, with the noise of a recording."""
    clip = shoot(name)
    kept = np.maximum(np.arange(FRAMES) - int(count) + 1, 0)
    return Clip(noisy(clip.blurry[kept], 0.25 / 255), clip.sharp[kept], as_images)


def _still(name: str, noise: float) -> Clip:
    """Nothing moves: the same sharp picture under noise."""
    sharp = np.repeat(shoot(name).sharp[:1], FRAMES, 0)
    return Clip(noisy(sharp, noise / 255), sharp, as_images, None)


KINDS = {
    "plain": Kind(lambda name, seed: plain(shoot(name, seed=int(seed))), (1, 2)),
    "cut": Kind(_cut, (5, 2), "cut before"),
    "short shots": Kind(_short_shots, (3, 2), "cut before"),
    "repeats": Kind(_repeats, (4, 2), "repeats the one before"),
    "frames lost": Kind(partial(_jump, numbered=False), (1, 3)),
    "gap in numbers": Kind(partial(_jump, numbered=True), (1, 3), "missing"),
    "dissolve": Kind(_dissolve, (3, 6), "as in a dissolve"),
    "fade from black": Kind(partial(_fade, level=0.0), (4, 8), "exposure changes"),
    "fade from white": Kind(partial(_fade, level=1.0), (4, 8), "exposure changes"),
    "flash": Kind(_flash, (1.5, 3), "exposure changes"),
    "black frames": Kind(_black, (1, 2), "no neighbour explains"),
    "frame of another scene": Kind(_foreign, (4, 0), "no neighbour explains"),
    "freeze": Kind(_freeze, (3, 5), "repeats the one before"),
    "still": Kind(_still, (0.5, 2)),
}
