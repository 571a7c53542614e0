"""Coarse to fine: the levels, the canvases they share, and what passes between them."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method.config import Config
from gvd_jax.method.deblur import make_problem
from gvd_jax.method.problem import State, to_level
from gvd_jax.method.pyramid import Pyramid, canvases, level_shapes
from gvd_jax.method.stages.start_flow import refine
from gvd_jax.model.blur import Blur
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.warp import one_shot
from gvd_jax.trees import replace
from tests.problems import translating

pytestmark = pytest.mark.usefixtures("hurried_file")


@pytest.mark.parametrize(
    "shape, pyramid, count, coarsest",
    [
        ((720, 1280), Pyramid(factor=0.9, levels=17), 17, (133, 237)),  # section 4 and the code of [20]
        ((720, 1280), Pyramid(factor=0.9, levels=100), 37, (16, 29)),
        ((64, 48), Pyramid(factor=0.5, levels=9, smallest=12), 3, (16, 12)),
        ((64, 48), Pyramid(factor=0.5, levels=9, smallest=13), 2, (32, 24)),
        ((64, 48), Pyramid(factor=0.5, levels=1), 1, (64, 48)),
        ((5, 7), Pyramid(factor=0.5, levels=9), 1, (5, 7)),  # smaller than the smallest: still one level
    ],
)
def test_levels_of_the_pyramid(shape, pyramid, count, coarsest):
    shapes = level_shapes(*shape, pyramid)
    assert len(shapes) == count and shapes[0] == coarsest and shapes[-1] == shape
    for small, large in pairwise(shapes):
        np.testing.assert_allclose(small, np.multiply(pyramid.factor, large), atol=1)


@pytest.mark.parametrize(
    ("shape", "omitted", "finest"), [((64, 48), 1, (32, 24)), ((64, 48), 2, (16, 12)), ((5, 7), 2, (5, 7))]
)
def test_omitted_levels_are_the_finest_and_never_all(shape, omitted, finest):
    pyramid = Pyramid(factor=0.5, levels=9, smallest=12)
    shapes = level_shapes(*shape, replace(pyramid, omitted=omitted))
    assert shapes[-1] == finest and shapes == level_shapes(*shape, pyramid)[: len(shapes)]


@pytest.mark.parametrize("levels, owners", [(1, [0]), (2, [1, 0]), (6, [3, 3, 3, 1, 1, 0]), (7, [6, 3, 3, 3, 1, 1, 0])])
def test_levels_share_canvases(levels, owners):
    """`owners`: the level that sets each canvas, 0 the finest."""
    shapes = [(60 + level, 70 + level) for level in range(levels)]
    assert canvases(shapes) == [shapes[-1 - owner] for owner in owners]


def test_small_levels_share_one_canvas_in_a_clip_and_in_half_of_it():
    pyramid = Pyramid(factor=0.5**0.5, levels=30)
    whole, half = (canvases(level_shapes(*shape, pyramid)) for shape in ((240, 320), (120, 160)))
    assert whole[:3] == half[:3] == [(42, 57)] * 3 and (42, 57) not in whole[3:] + half[3:]


def test_a_margin_changes_the_flow_little():
    frames, truth = (x.astype(jnp.float32) for x in translating((1.2, -0.7)))
    energy, start = Config.default().energy, Config.default().first

    def found(frames):
        flow = jnp.zeros((3, 2, *frames.shape[1:3], 2))
        return jax.tree.leaves(
            refine(start.block, energy, start.options, frames, flow, 0.0, Blur(), one_shot(len(frames)), (15, 17))
        )[0]

    wide, narrow = found(jnp.pad(frames, [(0, 0), (0, 5), (0, 3), (0, 0)], mode="edge")), found(frames)
    inner = np.s_[:, :, 3:-3, 3:-3]
    off = [jnp.abs(flow - truth)[1][inner[1:]].mean() for flow in (wide[:, :, :15, :17], narrow)]
    assert max(off) < 0.1
    np.testing.assert_allclose(wide[:, :, :15, :17][1][inner[1:]], narrow[1][inner[1:]], atol=0.1)


def test_propagation_rescales_flow_per_axis_and_defocus_by_the_ratio():
    """Algorithm 1, step 7. One number per unknown; 9 x 11 becomes 18 x 33."""
    flow = jnp.broadcast_to(jnp.array([[3.0, -2.0], [0.5, 1.0]])[None, :, None, None], (2, 2, 9, 11, 2))
    coarse = Unknowns(latent=jnp.full((2, 9, 11, 1), 0.3), flow=flow, defocus=jnp.full((2, 9, 11), 1.5))
    problem = make_problem(jnp.zeros((2, 18, 33, 1)), 0.5, Config.paper())
    fine = to_level(problem, State(coarse, shape=(9, 11)), (18, 33)).unknowns
    assert [fine[name].shape for name in fine] == [(2, 18, 33), (2, 2, 18, 33, 2), (2, 18, 33, 1)]
    np.testing.assert_allclose(fine.latent, 0.3, rtol=1e-5)
    moved = np.broadcast_to(np.array([[9, -4], [1.5, 2]])[None, :, None, None], fine.flow.shape)
    np.testing.assert_allclose(fine.flow, moved, rtol=1e-5)
    np.testing.assert_allclose(fine.defocus, 1.5 * np.sqrt(2 * 3), rtol=1e-5)  # the geometric mean of both ratios
