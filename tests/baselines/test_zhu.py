"""Likelihood of a defocus from local spectra: Fig. 5 of the paper, and maps."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d
from skimage.transform import resize

from experiments.baselines.zhu import NOISE, SIGMAS, defocus_map, log_likelihood, patch_likelihood
from gvd_jax.video.layers import photograph

WIDE = np.arange(0, 10.01, 0.25)  # pixels


def seen(frame, rng):
    """With noise and in eight bits."""
    noisy = frame + 0.003 * rng.standard_normal(frame.shape)
    return (np.round(np.clip(noisy, 0, 1) * 255) / 255).astype(np.float32)


def peak(gray, centre, size=61):
    y, x = (c - size // 2 for c in centre)
    return WIDE[patch_likelihood(gray[y : y + size, x : x + size], WIDE, NOISE).argmax()]


@pytest.mark.parametrize(
    ("name", "centre"),
    [("motorcycle", (250, 370)), ("gravel", (256, 256)), ("grass", (256, 170)), ("brick", (256, 256))],
)
def test_likelihood_of_a_patch_peaks_at_its_defocus(rng, name, centre):
    blurry = gaussian_filter(photograph(name).mean(-1), 5.0)
    assert abs(peak(seen(blurry, rng), centre) - 5.0) <= 0.5


@pytest.mark.parametrize(
    ("name", "centre"), [("motorcycle", (250, 370)), ("astronaut", (256, 170)), ("rocket", (213, 320))]
)
@pytest.mark.parametrize(("sigma", "away"), [(1.5, 0.25), (5.0, 0.5)])
def test_motion_moves_the_peak_away(rng, name, centre, sigma, away):
    blurry = gaussian_filter(photograph(name).mean(-1), sigma)
    still, moving = (peak(seen(frame, rng), centre) for frame in (blurry, uniform_filter1d(blurry, 11, axis=1)))
    assert abs(moving - sigma) >= away
    assert abs(moving - sigma) > abs(still - sigma)


def test_patch_and_map_agree(rng):
    gray = gaussian_filter(rng.standard_normal((40, 50)), 1.0)
    at_pixel = log_likelihood(gray, SIGMAS, NOISE)[:, 20, 25]
    of_patch = patch_likelihood(gray[15:26, 20:31], SIGMAS, NOISE)
    np.testing.assert_allclose(at_pixel, of_patch, rtol=1e-3)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("contrast", [0.05, 0.2])
def test_the_scene_of_the_model_is_found_whatever_its_contrast(rng, sigma, contrast):
    y, x = np.meshgrid(np.fft.fftfreq(80), np.fft.fftfreq(96), indexing="ij")
    spectrum = np.fft.fft2(rng.standard_normal((80, 96))) / np.maximum(np.hypot(y, x), 0.01)
    gray = np.fft.ifft2(spectrum * np.exp(-2 * (np.pi * sigma) ** 2 * (y**2 + x**2))).real
    gray = contrast * gray / gray.std() + 1e-3 * rng.standard_normal(gray.shape)
    found = SIGMAS[log_likelihood(gray, SIGMAS, 1e-3)[:, 8:-8, 8:-8].argmax(0)]
    assert abs(np.median(found) - sigma) <= 0.25


def test_a_map_of_small_defocus(rng):
    photo = np.asarray(resize(photograph("motorcycle"), (120, 160), anti_aliasing=True), np.float32)
    scales = np.linspace(0.5, 2.5, 21)
    stack = np.stack([gaussian_filter(photo, (s, s, 0)) for s in scales])
    nearest = np.linspace(0, 20, 160).round().astype(int)
    blurry = seen(np.stack([stack[k, :, x] for x, k in enumerate(nearest)], 1), rng)
    truth = np.broadcast_to(scales[nearest], (120, 160))
    error = defocus_map(blurry) - truth
    assert np.sqrt((error**2).mean()) < 0.7 * truth.std()
    motion = defocus_map(uniform_filter1d(blurry, 9, axis=1)) - truth
    assert (motion**2).mean() > 1.5 * (error**2).mean()
