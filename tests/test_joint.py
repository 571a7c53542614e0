"""The joint descent of experiments/joint.py, on tiny clips."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from experiments.joint import LBFGS, MARGIN, WIDEST, Adam, descend, from_free, smoothed, to_free
from gvd_jax.ops.exposure import piecewise_linear_path
from gvd_jax.trees import tree_add, tree_dot
from tests.problems import random_clip

ENERGY = gvd.gvd_energy(250.0, 2.0, 1.0, 2.0, 3.0)
# Every unknown, and what compiles soon: frames in focus, and no term that joins frames.
SINGLE = {name: term for name, term in ENERGY.items() if "temporal" not in name}
MOTION = gvd.MotionBlur(piecewise_linear_path, 1)
BOTH, IN_FOCUS = gvd.Blur((MOTION, gvd.GaussianDefocus((0.0, 1.0)))), gvd.Blur((MOTION,))
SHAPE = (3, 5, 7, 1)

pytestmark = pytest.mark.usefixtures("x64")


@jax.jit
def parts_of(epsilon, unknowns, observation):
    return gvd.evaluate(smoothed(ENERGY, epsilon), unknowns, observation)[1]


def smoothed_single(free, observation):
    return gvd.evaluate(smoothed(SINGLE, 0.5), from_free(free), observation)[0]


cost_of, slope_of = jax.jit(smoothed_single), jax.jit(jax.grad(smoothed_single))
single_of = jax.jit(lambda unknowns, observation: gvd.evaluate(SINGLE, unknowns, observation)[0])


def test_smoothed_energy_tends_to_the_energy():
    """From below, by epsilon for each cost that is not near 0: by a floor of 4e-3 or 0.02 px, and the term's weight."""
    clip = random_clip(SHAPE, blur=BOTH)
    exact = jax.jit(gvd.evaluate)(ENERGY, *clip)[1]
    near = parts_of(1e-3, *clip)
    assert near["data"] == exact["data"]
    for name, floor, weight, groups in (
        ("temporal", 4e-3, 2.0, 2 * 105),
        ("temporal_far", 4e-3, 2.0, 2 * 105),
        ("latent_tv", 4e-3, 1.0, 105),
        ("flow_tv", 0.02, 2.0, 2 * 105),
        ("defocus_tv", 0.02, 3.0, 105),
    ):
        gap = exact[name] - near[name]
        assert 0 < gap <= 1e-3 * floor * weight * groups
        np.testing.assert_allclose(parts_of(1e-9, *clip)[name], exact[name], rtol=1e-9)


def test_soft_costs_are_those_of_a_hyperbola():
    """sqrt(n^2 + epsilon^2) - epsilon of the lengths of Eq. (6)."""
    unknowns, observation = random_clip(SHAPE, blur=BOTH)
    dx, dy = np.zeros(SHAPE[:3]), np.zeros(SHAPE[:3])
    latent = np.asarray(unknowns.latent[..., 0])
    dx[:, :, :-1], dy[:, :-1] = np.diff(latent, axis=2), np.diff(latent, axis=1)
    epsilon = 10 * 4e-3
    expected = (np.sqrt(dx**2 + dy**2 + epsilon**2) - epsilon).sum()
    np.testing.assert_allclose(parts_of(10.0, unknowns, observation)["latent_tv"], expected, rtol=1e-12)


def test_free_coordinates_come_back_inside_the_box():
    unknowns, _ = random_clip(SHAPE)
    back = from_free(to_free(unknowns))
    np.testing.assert_allclose(back.flow, unknowns.flow, rtol=1e-12)
    np.testing.assert_allclose(back.latent, np.clip(unknowns.latent, MARGIN, 1 - MARGIN), rtol=1e-12)
    inner = np.clip(unknowns.defocus, MARGIN * WIDEST, (1 - MARGIN) * WIDEST)
    np.testing.assert_allclose(back.defocus, inner, rtol=1e-12)


def test_the_gradient_equals_central_differences():
    unknowns, observation = random_clip(SHAPE, blur=IN_FOCUS)
    free = to_free(unknowns)
    slope = slope_of(free, observation)
    for k in range(3):  # defocus, flow, latent
        leaves, tree = jax.tree.flatten(jax.tree.map(jnp.zeros_like, free))
        leaves[k] = jnp.asarray(np.random.default_rng(k).normal(size=leaves[k].shape))
        direction = jax.tree.unflatten(tree, leaves)
        above, below = (cost_of(tree_add(free, direction, t), observation) for t in (1e-6, -1e-6))
        np.testing.assert_allclose(tree_dot(slope, direction), (above - below) / 2e-6, rtol=1e-5)


@pytest.mark.parametrize("descent", [Adam(8), LBFGS(8)], ids=["Adam", "L-BFGS"])
def test_joint_steps_lower_the_energy(descent):
    unknowns, observation = random_clip(SHAPE, blur=IN_FOCUS)
    free = to_free(unknowns)
    found, _ = descend(descent, 8, smoothed(SINGLE, 0.5), observation, free, descent.optimiser.init(free))
    assert single_of(from_free(found), observation) < 0.8 * single_of(unknowns, observation)
