"""Defocus from the gradients at edges: steps, and a scene in two layers with and without motion."""

import numpy as np
import pytest
from scipy.special import ndtr

from experiments.baselines.zhuo_sim import defocus_map, edge_defocus
from gvd_jax.metrics import defocus_error
from gvd_jax.video.layers import Layer, Path, ellipse, photograph
from gvd_jax.video.synthesize import render


def step(sigma, degrees, blur_length=0.0):
    """A step blurred by a Gaussian, and by motion across it: [64, 80]."""
    y, x = np.mgrid[:64, :80]
    across = (x - 40) * np.cos(np.radians(degrees)) + (y - 32) * np.sin(np.radians(degrees))
    times = np.linspace(-0.5, 0.5, 41)[:, None, None] if blur_length else np.zeros((1, 1, 1))
    return (0.2 + 0.6 * ndtr((across - blur_length * times) / sigma).mean(0)).astype(np.float32)


def found(gray):
    sigma, edges = edge_defocus(gray)
    return np.median(sigma[6:-6][edges[6:-6]])


def two_layers(drift):
    coffee, rocket = photograph("coffee"), photograph("rocket")
    height, width, _ = rocket.shape
    matte = ellipse(rocket.shape, width / 2 + 1j * height / 2, 0.35 * width + 0.35j * height)
    layers = [Layer(coffee, 2.8, Path(-drift, drift)), Layer(rocket, 4.0, Path(drift, -drift), matte)]
    return render(layers, 3, 120, 160, 0.5, (2.0, 0.5), noise=0.003)


@pytest.mark.parametrize("degrees", [0, 30, 90])
@pytest.mark.parametrize("sigma", [0.8, 1.5, 2.5])
def test_a_step_is_exact(sigma, degrees):
    np.testing.assert_allclose(found(step(sigma, degrees)), sigma, rtol=0.1)


def test_motion_across_the_step_is_taken_for_defocus():
    assert found(step(0.8, 0, blur_length=4.0)) > 1.5


def test_two_layers_that_stand_still_are_told_apart():
    clip = two_layers(0j)
    truth, found_map = clip.defocus[1], defocus_map(clip.blurry[1])
    everywhere = np.ones(truth.shape, bool)
    assert defocus_error(found_map, truth, everywhere) < 0.6 * truth.std()
    assert found_map[truth == 2.0].mean() > found_map[truth == 0.5].mean() + 0.7


def test_two_layers_in_motion_are_not():
    clip = two_layers(7 + 3j)
    sharper = clip.defocus[1] == 0.5
    assert defocus_error(defocus_map(clip.blurry[1]), clip.defocus[1], sharper) > 0.6


def test_a_frame_without_edges_has_no_defocus():
    np.testing.assert_array_equal(defocus_map(np.full((20, 30, 3), 0.5, np.float32)), 0)
