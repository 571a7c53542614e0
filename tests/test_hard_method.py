"""Clips that no camera films, through the method itself: whatever they show, the result is finite and in [0, 1]."""

import numpy as np
import pytest

import gvd_jax as gvd
from tests.settings import unscaled

SHAPE = (3, 16, 20, 1)
NOISE = np.random.default_rng(5).random(SHAPE)
CLIPS = {
    "all alike": np.full(SHAPE, 0.3),
    "black": np.zeros(SHAPE),
    "white": np.ones(SHAPE),
    "black turns white": np.zeros(SHAPE) + (np.arange(3) % 2)[:, None, None, None],
    "one white pixel": np.zeros(SHAPE),
    "checkerboard": np.zeros(SHAPE) + np.indices(SHAPE[1:3]).sum(0)[None, ..., None] % 2,
    "checkerboard that turns": (np.zeros(SHAPE) + np.indices(SHAPE[:3]).sum(0)[..., None]) % 2,
    "noise": NOISE,
    "black and white noise": np.round(NOISE),
    "huge motion": np.stack([np.roll(NOISE[0], 7 * k, 1) for k in range(3)]),
    "saturated half": np.where(np.arange(20)[:, None] < 10, 1.0, NOISE),
    "a step": np.zeros(SHAPE) + (np.arange(20) > 9)[:, None],
    "hardly any light": NOISE * 1e-6,
    "subnormal": np.full(SHAPE, 1e-44),
}
CLIPS["one white pixel"][1, 8, 9] = 1.0


@pytest.mark.parametrize("tau", [0.5, 1e-6])
@pytest.mark.parametrize("kind", CLIPS)
def test_the_method_stays_finite(hurry, kind, tau):
    result = gvd.deblur(CLIPS[kind].astype(np.float32), tau, unscaled(gvd.Config.fast()))
    latent = np.asarray(result.latent)
    assert latent.shape == SHAPE and np.isfinite(latent).all() and latent.min() >= 0 and latent.max() <= 1
    assert np.isfinite(result.flow).all() and np.abs(result.flow).max() < 100
    assert np.isfinite(result.defocus).all() and np.isfinite(result.confidence).all()
    if np.ptp(CLIPS[kind]) == 0:
        np.testing.assert_allclose(latent, CLIPS[kind], atol=1e-4)
