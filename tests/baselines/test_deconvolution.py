"""Deconvolution with a known defocus map."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from experiments.baselines.deconvolution import deconvolve
from gvd_jax.metrics import psnr
from gvd_jax.video.layers import Layer, Path, ellipse, photograph
from gvd_jax.video.synthesize import render


def small(name):
    """A photograph of 120 x 160 and what is 16 px around it."""
    return np.asarray(resize(photograph(name), (152, 192), anti_aliasing=True), np.float32)


def inside(frame):
    return frame[16:-16, 16:-16]


def seen(frame, rng):
    """With noise and in eight bits."""
    noisy = frame + 0.003 * rng.standard_normal(frame.shape)
    return (np.round(np.clip(noisy, 0, 1) * 255) / 255).astype(np.float32)


def gain(result, blurry, sharp):
    return float(psnr(result[None], sharp[None])[0] - psnr(blurry[None], sharp[None])[0])


@pytest.mark.parametrize(
    ("name", "sigma", "least"), [("motorcycle", 1.0, 4.0), ("coffee", 1.5, 3.0), ("chelsea", 2.5, 2.5)]
)
def test_a_photograph_gains(rng, name, sigma, least):
    photo = small(name)
    blurry = seen(inside(gaussian_filter(photo, (sigma, sigma, 0))), rng)
    result = deconvolve(blurry, np.full(blurry.shape[:2], sigma, np.float32))
    assert gain(result, blurry, inside(photo)) > least
    assert gain(result, deconvolve(blurry, np.full(blurry.shape[:2], 0.5 * sigma)), inside(photo)) > 1


def test_a_slope_of_defocus_gains_more_by_its_map_than_by_its_mean(rng):
    photo = small("motorcycle")
    scales = np.arange(0, 2.6, 0.1)
    stack = np.stack([gaussian_filter(photo, (s, s, 0)) for s in scales])
    nearest = np.linspace(0, len(scales) - 1, photo.shape[1]).round().astype(int)
    blurry = seen(inside(np.stack([stack[k, :, x] for x, k in enumerate(nearest)], 1)), rng)
    defocus = inside(np.broadcast_to(scales[nearest], photo.shape[:2]))
    by_map, by_mean = (deconvolve(blurry, d) for d in (defocus, np.full_like(defocus, defocus.mean())))
    assert gain(by_map, blurry, inside(photo)) > 2.5
    assert gain(by_map, by_mean, inside(photo)) > 2.5


@pytest.mark.parametrize(("sigma", "least"), [((0.0, 2.0), 2.0), ((2.5, 0.0), -0.5)])
def test_a_sharp_layer_does_not_ring_into_a_blurred_one(sigma, least):
    back, front = photograph("rocket" if sigma[0] else "astronaut"), photograph("astronaut" if sigma[0] else "coffee")
    matte = ellipse(
        front.shape, front.shape[1] / 2 + 1j * front.shape[0] / 2, 0.35 * (front.shape[1] + 1j * front.shape[0])
    )
    clip = render([Layer(back, 2.8, Path()), Layer(front, 4.0, Path(), matte)], 1, 120, 160, 0.5, sigma, noise=0.003)
    assert gain(deconvolve(clip.blurry[0], clip.defocus[0]), clip.blurry[0], clip.sharp[0]) > least


def test_without_defocus_the_frame_stays():
    frame = inside(small("coffee"))
    np.testing.assert_allclose(deconvolve(frame, np.zeros(frame.shape[:2], np.float32)), frame, atol=1e-6)
    assert np.abs(deconvolve(frame, np.full(frame.shape[:2], 0.05)) - frame).mean() < 0.01
