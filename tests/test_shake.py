"""The shake of the camera within each exposure, and the affine fields it is made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage import data

import gvd_jax as gvd
from gvd_jax.method.affine_fit import solve_positive
from gvd_jax.method.deblur import make_problem
from gvd_jax.method.neighbours_view import seen_by_neighbours
from gvd_jax.method.occlusion import visibility
from gvd_jax.method.problem import State
from gvd_jax.method.stages.shake import find_shake
from gvd_jax.model.blur import Blur, MotionBlur
from gvd_jax.model.observation import observe
from gvd_jax.model.terms import data_residual
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.affine_field import affine_field
from gvd_jax.ops.warp import one_shot
from gvd_jax.trees import replace

pytestmark = pytest.mark.usefixtures("x64")
FRAMES, HEIGHT, WIDTH = 5, 96, 128
SPEED = 6  # px per frame, to the right: whole pixels, which are read without softening
BLUR = Blur((MotionBlur(samples=4),))
SHAKES = {
    "none": np.zeros((2, 3)),
    "along": [(2.0, 0, 0), (0, 0, 0)],
    "across": [(0, 0, 0), (1.5, 0, 0)],
    "turning": [(0, 0, -3.0), (0, 3.0, 0)],
    "zooming": [(0, 3.0, 0), (0, 0, 3.0)],
}


def test_elimination_solves_what_is_positive_definite(rng):
    half = rng.standard_normal((5, 6, 8))
    matrix, right = half @ half.swapaxes(1, 2) + 0.01 * np.eye(6), rng.standard_normal((5, 6))
    expected = np.linalg.solve(matrix, right[..., None])[..., 0]
    np.testing.assert_allclose(solve_positive(jnp.asarray(matrix), jnp.asarray(right)), expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_affine_field_is_that_of_a_loop(dtype):
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((2, 2, 3))
    expected = np.zeros((2, 5, 8, 2))
    for t, y, x, c in np.ndindex(expected.shape):
        middle, right, down = numbers[t, c]
        expected[t, y, x, c] = 0.08 * (middle + right * (x - 3.5) / 8 + down * (y - 2) / 8)
    found = affine_field(jnp.asarray(numbers, dtype), 5, 8)
    np.testing.assert_allclose(found, expected, atol={"float32": 1e-6, "float64": 1e-12}[dtype])


@pytest.mark.parametrize("scale", [2, 3])
def test_affine_field_is_the_same_on_every_level(scale):
    numbers = jnp.asarray(np.random.default_rng(1).standard_normal((1, 2, 3)))
    whole, half = affine_field(numbers, 9 * scale, 12 * scale), affine_field(numbers, 9, 12)
    middle = whole.reshape(1, 9, scale, 12, scale, 2).mean((2, 4))
    np.testing.assert_allclose(middle, scale * half, atol=1e-12)


def scene(shake, duty_cycle=0.5):
    """Sharp frames of a photograph that passes, and what is observed of them where every second exposure is shaken."""
    photograph = data.camera()[100 : 100 + HEIGHT, 60 : 60 + WIDTH + SPEED * FRAMES] / 255
    frames = np.stack([photograph[:, SPEED * (FRAMES - k) :][:, :WIDTH] for k in range(FRAMES)])[..., None]
    flow = np.zeros((FRAMES, 2, HEIGHT, WIDTH, 2))
    flow[:, 0, ..., 0], flow[:, 1, ..., 0] = SPEED, -SPEED
    true = np.zeros((FRAMES, 2, 3))
    true[:] = np.resize([-np.asarray(shake), shake], true.shape)
    unknowns = Unknowns(latent=jnp.asarray(frames), flow=jnp.asarray(flow), shake=jnp.asarray(true))
    observation = observe(unknowns.latent, duty_cycle, BLUR)
    blurry = BLUR(unknowns.latent, unknowns, observation)
    return unknowns, replace(observation, blurry=blurry, visibility=visibility(unknowns.flow, observation.continues))


def test_neighbours_show_a_frame_without_what_only_it_shows():
    unknowns, observation = scene(SHAKES["none"])
    spoilt = unknowns.latent.at[2].add(1.0)
    shown, _ = seen_by_neighbours(spoilt, unknowns.flow, observation.visibility)
    inner = np.s_[2, 2:-2, SPEED + 2 : -SPEED - 2]
    np.testing.assert_allclose(shown[inner], unknowns.latent[inner], atol=1e-9)


@jax.jit
def found_from_nothing(unknowns, observation):
    start = replace(unknowns, shake=jnp.zeros_like(unknowns.shake))
    return find_shake(start, observation, data_residual)


@pytest.mark.parametrize("name", SHAKES)
def test_shake_is_found(name):
    unknowns, observation = scene(SHAKES[name])
    found = found_from_nothing(unknowns, observation)
    error = affine_field(found - unknowns.shake, HEIGHT, WIDTH)
    assert float(jnp.sqrt(jnp.square(error).mean())) < 0.35


def test_what_all_frames_share_is_less_than_it_seems():
    """The camera gets as far as the flow says: of what is the same in 3 of 5 frames, 2/5 are left."""
    unknowns, observation = scene(SHAKES["along"])
    shared = unknowns.shake.at[1:-1].set(jnp.asarray(SHAKES["along"]))
    blurry = BLUR(unknowns.latent, replace(unknowns, shake=shared), observation)
    found = found_from_nothing(unknowns, replace(observation, blurry=blurry))
    np.testing.assert_allclose(found[1:-1, 0, 0], 2.0 * 2 / 5, atol=0.25)


def test_what_stands_still_does_not_shake():
    """However sharp: frames that are read at whole pixels are as sharp as the blurry ones."""
    unknowns, observation = scene(SHAKES["none"])
    still = Unknowns(
        latent=jnp.broadcast_to(unknowns.latent[:1], unknowns.latent.shape),
        flow=jnp.zeros_like(unknowns.flow),
        shake=unknowns.shake,
    )
    found = found_from_nothing(still, replace(observation, blurry=still.latent))
    np.testing.assert_allclose(found, 0, atol=1e-6)


@pytest.mark.parametrize("move", [0.0, 0.25, -1.5])
def test_reads_between_pixels_soften_as_much_as_is_told(move):
    """A parabola whose second derivative is 2 rises by the variance of such a read, f (1 - f)."""
    flow = jnp.zeros((3, 2, 4, 32, 2)).at[..., 0].set(jnp.array([move, -move])[None, :, None, None])
    latent = jnp.broadcast_to(jnp.square(jnp.arange(32.0))[None, None, :, None], (3, 4, 32, 1))
    shown, softened = seen_by_neighbours(latent, flow, visibility(flow, one_shot(len(flow), flow.dtype)))
    inner = np.s_[1, :, 3:-3]
    rise = shown[inner] - jnp.square(jnp.arange(32.0))[None, 3:-3, None] - move**2
    np.testing.assert_allclose(2 * 2 * softened[inner], rise, atol=1e-9)  # the other axis is not read between


def test_what_cannot_be_seen_is_no_shake():
    unknowns, observation = scene(SHAKES["along"])
    flat = replace(unknowns, latent=jnp.full_like(unknowns.latent, 0.5))
    found = found_from_nothing(flat, replace(observation, blurry=flat.latent))
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_blur_with_a_shake_is_that_of_the_flow_it_adds_to():
    unknowns, observation = scene(SHAKES["turning"])
    velocity = affine_field(unknowns.shake, HEIGHT, WIDTH)
    moved = Unknowns(latent=unknowns.latent, flow=unknowns.flow + jnp.stack([velocity, -velocity], 1))
    np.testing.assert_allclose(BLUR(moved.latent, moved, observation), observation.blurry, atol=1e-12)


@pytest.mark.parametrize("name", ["along", "turning"])
def test_duty_cycle_is_found_when_the_shake_is_known(name):
    unknowns, observation = scene(SHAKES[name], 0.35)
    problem = make_problem(observation.blurry, 0.2, gvd.Config.default().with_transfer("none"))
    state = State(replace(unknowns, duty_cycle=problem.duty_cycle), shape=problem.size)
    found, info = gvd.FindDutyCycle().run(state, problem)
    np.testing.assert_allclose(found.unknowns.duty_cycle, 0.35, atol=0.05)
    assert 0 < info.measured["duty cycle error"] < 0.1


@pytest.mark.parametrize("start", [None, 0.3], ids=["given", "solved for by another stage"])
def test_duty_cycle_that_is_not_to_be_found_stays(start):
    unknowns, observation = scene(SHAKES["along"])
    problem = make_problem(observation.blurry, 0.2, gvd.Config.default().with_transfer("none"))
    if start is not None:
        unknowns = replace(unknowns, duty_cycle=jnp.full(FRAMES, start))
        problem = replace(problem, unknowns=(replace(gvd.DUTY_CYCLE, start=start),))
    state = State(unknowns, shape=problem.size)
    found, info = gvd.FindDutyCycle().run(state, problem)
    assert found is state and not info.measured
