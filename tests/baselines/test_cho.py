"""Patches of lucky frames: they restore blurry frames that have sharp neighbours, and none that have not."""

import numpy as np
import pytest

from experiments.baselines.cho import deblur
from gvd_jax import metrics
from gvd_jax.video.layers import Layer, Path, photograph
from gvd_jax.video.synthesize import RenderedClip, render

FRAMES, HEIGHT, WIDTH, DUTY_CYCLE = 7, 72, 96, 0.45
VELOCITY = 3.7 - 2.1j  # pixels per frame interval


def exposed(name: str, path: Path) -> RenderedClip:
    return render([Layer(photograph(name), 4.0, path)], FRAMES, HEIGHT, WIDTH, DUTY_CYCLE)


def at_rest_at_the_ends() -> Path:
    """Speed |v| (1 - cos(2 pi t / 6)): the first and the last frame are sharp, the middle one has twice the blur."""
    frequency = 1 / (FRAMES - 1)
    wave = VELOCITY / (4j * np.pi * frequency)
    return Path(-VELOCITY * (FRAMES - 1) / 2, VELOCITY, np.array([frequency, -frequency]), np.array([-wave, wave]))


def gain(clip: RenderedClip) -> np.ndarray:
    restored = deblur(clip.blurry, DUTY_CYCLE)
    assert restored.shape == clip.blurry.shape
    return metrics.psnr(restored, clip.sharp) - metrics.psnr(clip.blurry, clip.sharp)


@pytest.mark.parametrize("name", ["astronaut", "motorcycle"])
def test_blurry_frames_take_the_patches_of_lucky_ones(name):
    found = gain(exposed(name, at_rest_at_the_ends()))
    assert found[2:5].min() > 6
    assert found.min() > -1  # a frame that is nearly sharp can lose by the registration


def test_without_lucky_frames_nothing_is_gained():
    found = gain(exposed("motorcycle", Path(-VELOCITY * (FRAMES - 1) / 2, VELOCITY)))
    assert np.abs(found).max() < 0.3
