"""Motion boundaries: flow taken over from near places, and the confidence in the blur model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method.boundaries import WINDOW, adopt_nearby_flow, blur_confidence
from gvd_jax.method.occlusion import visibility
from gvd_jax.method.presets import constancy
from gvd_jax.model.observation import observe
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.warp import one_shot
from gvd_jax.solve.blocks import FLOW_BLOCK, START_FLOW

FRAMES, HEIGHT, WIDTH = 4, 40, 56
SPEED = 6  # px per frame, of a square to the right over a background at rest


@jax.jit
def adopted(frames, flow, block=START_FLOW):
    unknowns = Unknowns(latent=frames, flow=flow)
    return adopt_nearby_flow(block, constancy(0.05, 0.5), unknowns, observe(frames, 0.5))


@jax.jit
def confidence(flow, unconfirmed):
    continues = one_shot(len(flow), flow.dtype)
    return blur_confidence(visibility(flow, continues), continues, unconfirmed)


def square_scene(grown=0):
    """Frames [T, H, W, 1], and the flow of a square that is `grown` pixels too large on every side."""
    rng = np.random.default_rng(3)
    ground, square = rng.uniform(0, 1, (HEIGHT, WIDTH)), rng.uniform(0, 1, (16, 16))
    frames = np.repeat(ground[None], FRAMES, 0)
    flow = np.zeros((FRAMES, 2, HEIGHT, WIDTH, 2))
    for i in range(FRAMES):
        left = 10 + SPEED * i
        frames[i, 12:28, left : left + 16] = square
        larger = np.s_[i, :, 12 - grown : 28 + grown, left - grown : left + 16 + grown]
        flow[larger] = np.array([(SPEED, 0), (-SPEED, 0)])[:, None, None]
    return jnp.asarray(frames[..., None]), jnp.asarray(flow)


def error(flow, truth):
    return float(jnp.linalg.norm(flow - truth, axis=-1)[1:-1].mean())


@pytest.mark.parametrize("grown", [2, 4])
def test_a_layer_that_has_grown_in_the_flow_shrinks_back(x64, grown):
    frames, truth = square_scene()
    _, found = square_scene(grown)
    better = adopted(frames, found)
    assert error(better, truth) < 0.35 * error(found, truth)


def test_exact_flow_is_kept_but_for_the_windows_at_the_edge(x64):
    frames, truth = square_scene()
    kept = adopted(frames, truth)
    changed = np.abs(kept - truth).max((1, -1)) > 0
    edge = np.abs(np.diff(np.pad(truth[:, 0, ..., 0], ((0, 0), (1, 0), (1, 0)), mode="edge"), axis=2))[:, 1:] > 0
    near = np.stack([[edge[t, :, max(0, x - 3) : x + 4].any() for x in range(WIDTH)] for t in range(FRAMES)])
    assert not changed[:, :, ~near.any(0)].any()
    assert changed.mean() < 0.05


def test_flow_is_kept_where_nothing_tells(x64):
    flow = jnp.asarray(np.random.default_rng(0).uniform(-2, 2, (3, 2, 9, 11, 2)))
    flat = jnp.full((3, 9, 11, 1), 0.4)
    inner = adopted(flat, flow)[:, :, 4:5, 5:6]
    np.testing.assert_array_equal(inner, flow[:, :, 4:5, 5:6])
    np.testing.assert_array_equal(adopted(flat, flow, FLOW_BLOCK), flow)  # no term of it is known of one pixel


def test_both_precisions_in_one_process():
    """One after the other, by one compiled function."""

    def kept():
        flow = jnp.zeros((2, 2, 7, 8, 2))
        return adopted(jnp.full((2, 7, 8, 1), 0.4), flow).dtype

    assert kept() == "float32"
    with jax.enable_x64(True):
        assert kept() == "float64"


def test_confidence_follows_the_neighbours_that_confirm_the_flow(x64):
    """Half between the bounds where one neighbour confirms, and smooth over the window; a still clip is all ones."""
    flow = np.zeros((3, 2, 21, 31, 2))
    np.testing.assert_allclose(confidence(jnp.asarray(flow), 0.1), 1, rtol=1e-12)
    flow[1, 0, :, 10:20] = (4, 0)  # frame 2 does not return it, and sees nothing of frame 1 in columns 14..23
    trust = np.asarray(confidence(jnp.asarray(flow), 0.1))
    reach = WINDOW // 2
    np.testing.assert_allclose(trust[1, :, 10 + reach : 20 - reach], 0.55, rtol=1e-12)
    np.testing.assert_allclose(trust[1, :, : 10 - reach], 1, rtol=1e-12)
    np.testing.assert_allclose(trust[0], 1, rtol=1e-12)
    np.testing.assert_allclose(trust[2, :, 10 + reach : 20 - reach], 0.1, rtol=1e-12)  # an end has one neighbour
