"""Defocus from the number of atoms that a patch needs, on photographs the dictionary has not seen."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d
from skimage.transform import resize

from experiments.baselines.just_noticeable import SIGMAS, defocus_map, learn_dictionary
from gvd_jax.video.layers import photograph


def small(name):
    return np.asarray(resize(photograph(name), (120, 160), anti_aliasing=True), np.float32)


def seen(frame, rng):
    """With noise and in eight bits."""
    noisy = frame + 0.003 * rng.standard_normal(frame.shape)
    return (np.round(np.clip(noisy, 0, 1) * 255) / 255).astype(np.float32)


@pytest.fixture(scope="module")
def dictionary():
    return learn_dictionary([small("motorcycle"), small("chelsea")])


def test_the_more_blurred_the_fewer_atoms(dictionary):
    assert np.all(np.diff(dictionary.needed) <= 0)
    assert dictionary.needed[0] > 2 * dictionary.needed[-1]
    np.testing.assert_allclose(np.linalg.norm(dictionary.atoms, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("name", "error"), [("astronaut", 0.4), ("coffee", 1.0), ("rocket", 1.5)])
def test_the_estimate_grows_with_the_defocus(dictionary, rng, name, error):
    sigmas = np.arange(0, 2.6, 0.5)
    frames = [seen(gaussian_filter(small(name), (s, s, 0)), rng) for s in sigmas]
    found = np.array([np.median(defocus_map(frame, dictionary)) for frame in frames])
    inner = found[(found > 0) & (found < SIGMAS[-1])]  # at the ends of the calibration nothing can grow
    assert np.all(np.diff(found) >= 0) and np.all(np.diff(inner) > 0.1) and len(inner) >= 3
    assert np.abs(found - sigmas).max() < error


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_a_just_noticeable_defocus_of_one_half_is_seen(dictionary, rng, name):
    photo = small(name)
    frame = photo.copy()
    frame[:, 80:] = gaussian_filter(photo, (1.0, 1.0, 0))[:, 80:]
    found = defocus_map(seen(frame, rng), dictionary)
    right = np.concatenate([(found[:, :76] < 0.6).ravel(), (found[:, 84:] > 0.6).ravel()]).mean()
    assert right > 0.8


@pytest.mark.parametrize(("name", "wrong"), [("astronaut", 0.8), ("coffee", 1.0), ("rocket", 1.4)])
def test_motion_is_taken_for_defocus(dictionary, rng, name, wrong):
    moving = uniform_filter1d(small(name), 9, axis=1)
    assert np.median(defocus_map(seen(moving, rng), dictionary)) > wrong


def test_a_flat_frame_is_no_error(dictionary):
    assert np.isfinite(defocus_map(np.full((41, 60, 3), 0.5, np.float32), dictionary)).all()
