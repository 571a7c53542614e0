"""How far the blurry frames are to be believed: noise and clipping."""

import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from scipy import ndimage

from gvd_jax.method.believe import Confirmed
from gvd_jax.method.data_weight import CLIPPED, MODEL_ERROR, clipping_confidence, data_worth, residual_worth
from gvd_jax.method.noise import noise_level
from gvd_jax.model.observation import observe
from gvd_jax.model.terms import data_residual
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.warp import one_shot

SHOT = one_shot(2)
PHOTOGRAPHS = {"smooth": 3.0, "sharp": 0.0}  # and the deviation of their blur, px


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.04])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_noise_is_told_from_texture(name, sigma):
    image = ndimage.gaussian_filter(skimage.data.camera() / 255.0, PHOTOGRAPHS[name])[:200, :301]
    noise = sigma * np.random.default_rng(0).standard_normal((2, *image.shape))
    frames = jnp.asarray(image + noise, jnp.float32)
    found = noise_level(frames, SHOT)
    np.testing.assert_allclose(found, sigma, rtol=0.15, atol=0.002)
    # The reciprocal of the variance of what noise and model leave.
    worth = data_worth(frames[..., None], SHOT, sigma)
    np.testing.assert_allclose(worth, sigma**2 / (sigma**2 + np.asarray(found) ** 2), rtol=1e-5)
    np.testing.assert_array_equal(data_worth(frames[..., None], SHOT, jnp.inf), 1)
    # Of colours, the mean of what each has: one that is clean counts as one without noise.
    colours, clean = jnp.stack([frames, frames], -1), jnp.stack([frames, jnp.zeros_like(frames)], -1)
    np.testing.assert_allclose(data_worth(colours, SHOT, sigma), worth, rtol=1e-5)
    half = 1 / (1 + (np.asarray(found) / sigma) ** 2 / 2)
    np.testing.assert_allclose(data_worth(clean, SHOT, sigma), half, rtol=1e-5)


def test_noise_of_a_shot_says_nothing_of_another(rng):
    sigmas = np.array([0.0, 0.0, 0.02, 0.02, 0.005])
    frames = jnp.asarray(0.5 + sigmas[:, None, None] * rng.standard_normal((5, 64, 64)), jnp.float32)
    found = noise_level(frames, jnp.array([1.0, 0, 1, 0, 0]))
    np.testing.assert_allclose(found, sigmas, rtol=0.2)
    assert found[0] == found[1] and found[2] == found[3]


@pytest.mark.parametrize("model_error", [MODEL_ERROR, 2 * MODEL_ERROR, np.inf])
def test_a_residual_beyond_the_noise_takes_weight_from_its_block(model_error):
    residual = np.zeros((2, 48, 64), np.float32)
    residual[1, :, 32:] = (3 * MODEL_ERROR) ** 2
    worth = residual_worth(jnp.asarray(residual), jnp.array([0.0, 2 * MODEL_ERROR]), model_error)
    expected = np.ones((2, 48, 64))
    expected[1, :, 32:] = 1 / (1 + (3**2 - 2**2) * (MODEL_ERROR / model_error) ** 2)
    inside = np.abs(np.arange(64) - 31.5) > 8  # blocks that lie on one side
    np.testing.assert_allclose(worth[:, :, inside], expected[:, :, inside], rtol=1e-4)


@pytest.mark.parametrize("shape", [(2, 1, 1), (1, 5, 40), (1, 16, 16)])
def test_noise_of_small_and_flat_frames_is_none(shape):
    assert (noise_level(jnp.full(shape, 0.3), one_shot(shape[0])) < 1e-6).all()


def test_confidence_falls_around_clipped_pixels(rng):
    frames = rng.uniform(0, CLIPPED, (2, 9, 12)) - 1e-6
    clipped = [(0, 0, 0), (0, 4, 11), (1, 5, 5)]
    frames[tuple(np.transpose(clipped))] = 1.0
    expected = np.ones(frames.shape)
    for i, y, x in clipped:
        expected[i, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 0.25
    frames = jnp.asarray(frames[..., None], jnp.float32)
    np.testing.assert_array_equal(clipping_confidence(frames, 0.25), jnp.asarray(expected, jnp.float32))
    weighed = Confirmed(clipped=0.25, model_error=0.005).weigh(observe(frames, 0.5))
    worth = data_worth(frames, SHOT, 0.005)[:, None, None]
    np.testing.assert_allclose(weighed.confidence, expected * worth, rtol=1e-5)
    colours = jnp.concatenate([frames, jnp.zeros_like(frames)], -1)  # one channel is enough
    np.testing.assert_array_equal(clipping_confidence(colours, 0.25), jnp.asarray(expected, jnp.float32))


def test_brighter_than_a_clipped_pixel_is_no_residual(x64):
    shape = (2, 6, 8)
    blurry = jnp.ones((*shape, 1))

    def left(value):
        unknowns = Unknowns(latent=jnp.full((*shape, 1), value), flow=jnp.zeros((2, 2, *shape[1:], 2)))
        return data_residual(unknowns, observe(blurry, 0.5))[0][0]

    np.testing.assert_allclose(left(1.7), 0, atol=1e-12)
    np.testing.assert_allclose(left(0.8), -0.2 * 0.25**0.5, rtol=1e-12)
