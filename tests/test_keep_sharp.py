"""What was blurred by nothing stays as it was."""

import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.method.deblur import make_problem
from gvd_jax.method.problem import State

SHAPE = (2, 6, 7)


@pytest.mark.parametrize("found", [False, True], ids=["given", "found"])
@pytest.mark.parametrize("defocused", [False, True], ids=["in focus", "defocused"])
def test_frames_without_a_blur_are_the_blurry_ones(rng, found, defocused):
    """By frame and by pixel: the first frame had the shutter open for no time, and its top half may be out of focus."""
    frames, latent = (jnp.asarray(rng.uniform(size=(*SHAPE, 3)), jnp.float32) for _ in range(2))
    tau = jnp.asarray([0.0, 0.3], jnp.float32)
    unknowns = {"latent": latent, "flow": jnp.ones((2, 2, *SHAPE[1:], 2))}
    unknowns |= {"duty_cycle": tau} if found else {}
    unknowns |= {"defocus": jnp.zeros(SHAPE).at[:, :3].set(1.0)} if defocused else {}
    problem = make_problem(frames, 0.3 if found else tau, gvd.Config.default().with_transfer("none"))
    state, _ = gvd.KeepSharp().run(State(gvd.Unknowns(**unknowns), shape=problem.size), problem)
    expected = np.asarray(latent).copy()
    expected[0, 3 if defocused else 0 :] = frames[0, 3 if defocused else 0 :]
    np.testing.assert_array_equal(state.unknowns.latent, expected)


@pytest.mark.parametrize("noise, path, kept", [(0.3, 0.4, True), (0.3, 0.6, False), (3.0, 0.4, False)])
def test_what_hardly_moved_is_kept_unless_it_is_noisy(rng, noise, path, kept):
    """Noise in values of 8 bits, the path of the exposure in pixels."""
    shape = (2, 48, 64)
    frames = jnp.asarray(0.5 + noise / 255 * rng.standard_normal((*shape, 3)), jnp.float32)
    tau, latent = 0.4, frames + 0.1
    flow = jnp.zeros((2, 2, *shape[1:], 2)).at[..., 0].set(path / (2 * tau))
    problem = make_problem(frames, tau, gvd.Config.default().with_transfer("none"))
    state, _ = gvd.KeepSharp().run(State(gvd.Unknowns(latent=latent, flow=flow), shape=problem.size), problem)
    np.testing.assert_array_equal(state.unknowns.latent, frames if kept else latent)
