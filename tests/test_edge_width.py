"""Width of edges and the defocus read off them, against steps and photographs of known defocus."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.method.deblur import make_problem
from gvd_jax.method.edge_width import defocus_from_edges
from gvd_jax.method.problem import State
from gvd_jax.method.stages.finish import ReadDefocus
from gvd_jax.ops.gaussian_defocus import SCALES, gaussian_defocus
from gvd_jax.ops.resize import resize_frames
from gvd_jax.ops.warp import one_shot
from gvd_jax.video.layers import photograph

EDGES = ReadDefocus()
NOISE = 1e-3
NUMBERS = EDGES.quantile, EDGES.focused, EDGES.gain
of_edges = jax.jit(defocus_from_edges)
blur = jax.jit(gaussian_defocus, static_argnums=0)


def defocus(latent, noise=NOISE):
    """Of one shot."""
    return of_edges(latent, one_shot(len(latent)), jnp.full(len(latent), noise), *NUMBERS)


@pytest.fixture(scope="module")
def focused():
    """A photograph that is in focus everywhere, as a frame [1, 140, 220, 1]."""
    frame = photograph("motorcycle").mean(-1, keepdims=True)[None, :280, :440]
    return jnp.clip(resize_frames(jnp.asarray(frame, jnp.float32), 140, 220), 0, 1)


@pytest.mark.parametrize(("sigma", "error"), [(0.0, 0.01), (1.5, 0.3), (2.0, 0.3), (2.5, 0.5)])
def test_defocus_of_a_photograph(focused, sigma, error):
    blurred = blur(SCALES, focused, jnp.full(focused.shape[:3], sigma))
    found = defocus(blurred)
    assert found.shape == focused.shape[:3]
    assert jnp.sqrt(jnp.square(found - sigma).mean()) < error


def test_a_shot_that_is_a_little_soft_everywhere_is_in_focus(focused):
    """So a lens, a codec or an enlargement draws; another shot, or what is softer than the rest, is told by its own."""
    soft = blur(SCALES, focused, jnp.full(focused.shape[:3], 1.0))
    softer_half = blur(SCALES, focused, jnp.ones(focused.shape[:3]).at[:, :, :110].set(2.5))
    assert defocus(soft).mean() < 0.1 < 1 < defocus(softer_half)[..., :80].mean()
    two_shots = of_edges(jnp.concatenate([focused, soft]), jnp.zeros(2), jnp.full(2, NOISE), *NUMBERS)
    assert two_shots.mean() < 0.1


def test_where_there_is_nothing_or_only_noise_there_is_no_defocus(rng):
    flat = jnp.full((2, 40, 60, 1), 0.5)
    np.testing.assert_array_equal(defocus(flat), 0)
    noisy = flat + 0.01 * jnp.asarray(rng.standard_normal(flat.shape), flat.dtype)
    np.testing.assert_array_equal(defocus(noisy, 0.01), 0)


def test_a_defocus_that_hardly_any_place_has_is_none(focused):
    half = blur(SCALES, focused, jnp.zeros(focused.shape[:3]).at[:, :, :110].set(2.5))
    assert defocus(half).max() > 1
    among_others = jnp.concatenate([half, jnp.repeat(focused, 39, 0)])
    np.testing.assert_array_equal(defocus(among_others), 0)


def test_gradient_equals_the_difference_quotient_and_is_finite_where_all_is_in_focus(x64, focused):
    frames = focused[:, :48, :64].astype(jnp.float64)
    blurred = gaussian_defocus(SCALES, frames, jnp.full(frames.shape[:3], 1.5))

    def total(gain, focused, latent):
        return defocus_from_edges(latent, one_shot(1), jnp.full(1, NOISE), EDGES.quantile, focused, gain).sum()

    slope = jax.jit(jax.grad(total, (0, 1)))(EDGES.gain, EDGES.focused, blurred)
    step = 1e-5
    higher = total(EDGES.gain + step, EDGES.focused, blurred) - total(EDGES.gain - step, EDGES.focused, blurred)
    np.testing.assert_allclose(slope[0], higher / (2 * step), rtol=1e-4)
    difference = total(EDGES.gain, EDGES.focused + step, blurred) - total(EDGES.gain, EDGES.focused - step, blurred)
    np.testing.assert_allclose(slope[1], difference / (2 * step), rtol=1e-3)
    for latent in (frames, jnp.full_like(frames, 0.5)):
        assert jnp.isfinite(jax.jit(jax.grad(total, 2))(EDGES.gain, EDGES.focused, latent)).all()


@pytest.mark.parametrize(
    "speed, sharp_rows, still, left",
    [(0.0, 70, 0.5, 1), (0.0, 70, 0.0, 0), (4.0, 70, 0.5, 0), (0.0, 0, 0.5, 0)],
    ids=["tripod", "asked for", "moves", "all soft"],
)
def test_defocus_is_meant_where_nothing_moves_and_something_is_in_focus(focused, speed, sharp_rows, still, left):
    sigma = jnp.full(focused.shape[:3], 2.0).at[:, :sharp_rows].set(0)
    frames = jnp.repeat(blur(SCALES, focused, sigma), 2, 0)
    flow = jnp.zeros((2, 2, 140, 220, 2)).at[..., 0].set(speed)
    problem = make_problem(frames, 0.4, gvd.Config.default().with_transfer("none"))
    state = State(gvd.Unknowns(latent=frames, flow=flow), shape=problem.size)
    state, info = gvd.replace(EDGES, still=still).run(state, problem)
    assert info.measured["defocus left"] == left and info.measured["defocused share"] > 0.15
    assert 0.5 < info.measured["defocus px"] < 2.5
    assert ("defocus" in state.unknowns) == (not left)
