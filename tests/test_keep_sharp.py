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
