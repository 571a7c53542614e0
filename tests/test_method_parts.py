"""The parts of section 4: occlusion, the post-filter of Eqs. (18)-(19), and the inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.errors import InputError
from gvd_jax.method.inputs import check_duty_cycle, check_frames
from gvd_jax.method.occlusion import inside, visibility
from gvd_jax.method.post_filter import post_filter
from gvd_jax.ops.warp import NEIGHBOURS
from tests.references import energy
from tests.references import post_filter as reference

FRAMES, HEIGHT, WIDTH = 3, 7, 9
ALL = np.array([1.0, 1.0, 0.0])  # no cut

within, seen = jax.jit(inside), jax.jit(visibility)
filtered = jax.jit(post_filter)


def drift(forward, backward, noise=0.0):
    """One flow to the next and one to the last frame, [T, 2, H, W, 2], with noise of that deviation."""
    flow = noise * np.random.default_rng(5).standard_normal((FRAMES, 2, HEIGHT, WIDTH, 2))
    flow[:, 0] += forward
    flow[:, 1] += backward
    return flow


def test_eq19_occlusion_state_equals_the_loop(x64):
    flow = drift((1.3, -0.6), (-1.3, 0.6), noise=0.4)
    agree = reference.cross_check(flow)
    held = np.zeros((FRAMES, len(NEIGHBOURS), HEIGHT, WIDTH))
    for i, k, y, x in np.ndindex(held.shape):
        n = NEIGHBOURS[k]
        if 0 <= i + n < FRAMES:
            ux, uy = energy.displacement(flow, i, n, y, x)
            held[i, k, y, x] = energy.inside(y + uy, x + ux, HEIGHT, WIDTH)
    returned = np.stack([agree[n] for n in NEIGHBOURS], 1)
    np.testing.assert_array_equal(within(jnp.asarray(flow), ALL), held)
    np.testing.assert_array_equal(seen(jnp.asarray(flow), ALL), held * returned)
    exist = 6 * HEIGHT * WIDTH  # four pairs of neighbours, two pairs two frames apart
    assert 0.6 < held.sum() / exist < 0.9 and 0.3 < (held * returned).sum() / held.sum() < 0.9


def test_a_drift_leaves_the_frame_at_its_border(x64):
    """To the right by 2 px a frame: frame i + n holds WIDTH - 2 |n| columns, those it has not lost at one side."""
    flow = jnp.asarray(drift((2, 0), (-2, 0)))
    expected = np.zeros((FRAMES, 4, HEIGHT, WIDTH))
    for i, k in np.ndindex(FRAMES, 4):
        n = NEIGHBOURS[k]
        if 0 <= i + n < FRAMES:
            expected[i, k, :, max(0, -2 * n) : WIDTH - max(0, 2 * n)] = 1
    np.testing.assert_array_equal(within(flow, ALL), expected)
    np.testing.assert_array_equal(seen(flow, ALL), expected)  # the flow back returns


def test_a_flow_that_does_not_return_marks_occlusion(x64):
    """Both ways between frames 0 and 1 where it is wrong, and every way through it between frames 0 and 2."""
    flow = drift((1, 0), (-1, 0))
    before = np.asarray(seen(jnp.asarray(flow), ALL))
    flow[1, 1, 2, 5] = (3, 0)
    lost = np.argwhere(before - np.asarray(seen(jnp.asarray(flow), ALL)))
    pairs = sorted((int(i), NEIGHBOURS[k], int(y), int(x)) for i, k, y, x in lost)
    assert pairs == [(0, 1, 2, 4), (0, 2, 2, 4), (1, -1, 2, 5), (2, -2, 2, 6)]


def filter_problem(channels, noise=0.0):
    rng = np.random.default_rng(2)
    latent = rng.uniform(0.35, 0.5, (FRAMES, HEIGHT, WIDTH, channels))
    visible = rng.uniform(size=(FRAMES, 4, HEIGHT, WIDTH)) > 0.4
    return latent, drift((1.25, -0.5), (-1.5, 0.25), noise), visible


def both_filters(latent, flow, visible, **options):
    by_neighbour = {n: visible[:, k] for k, n in enumerate(NEIGHBOURS)}
    arrays = [jnp.asarray(a, float) for a in (latent, flow, visible)]
    slow = reference.post_filter(latent, flow, visible=by_neighbour, **options)
    return filtered(*arrays, ALL, 25 / 255, reference.OCCLUDED), slow


@pytest.mark.parametrize("channels", [1, 3])
def test_eq18_eq19_post_filter_equals_the_loop(x64, channels):
    """Under one flow and away from the border: there, squares around y are squares seen along the flow."""
    latent, flow, visible = filter_problem(channels)
    result, slow = both_filters(latent, flow, visible)
    inner = np.s_[:, 2:-2, 2:-2]
    np.testing.assert_allclose(result[inner], slow[inner], rtol=1e-12)
    assert np.abs(result - latent)[inner].mean() > 0.005


@pytest.mark.parametrize("channels", [1, 3])
def test_eq19_patches_bend_with_the_flow(x64, channels):
    """Everywhere under any flow. Not as printed: every pixel of a patch moves by its own flow, which is a box sum."""
    result, slow = both_filters(*filter_problem(channels, noise=0.7), bent=True)
    np.testing.assert_allclose(result, slow, rtol=1e-12)


def test_eq19_distance_and_occlusion_set_the_weight(x64):
    """Two flat frames that differ by d: the neighbour weighs o exp(-25 d^2 / (2 sigma^2))."""
    levels, sigma = np.array([0.4, 0.42, 0.42]), 0.1
    latent = jnp.asarray(np.broadcast_to(levels[:, None, None, None], (FRAMES, HEIGHT, WIDTH, 1)))
    still = jnp.asarray(drift(0, 0))
    for visible, o in ((1.0, 1.0), (0.0, 0.2)):
        result = filtered(latent, still, jnp.full((FRAMES, 4, HEIGHT, WIDTH), visible), ALL, sigma, 0.2)
        weight = 2 * o * np.exp(-25 * 0.02**2 / (2 * sigma**2))
        np.testing.assert_allclose(result[0], 0.4 + 0.02 * weight / (1 + weight), rtol=1e-12)


FILM = np.linspace(0, 1, 2 * 3 * 4 * 3).reshape(2, 3, 4, 3)


def spoiled(value):
    film = FILM.copy()
    film[1, 2, 3, 0] = value
    return film


@pytest.mark.parametrize(
    "frames, message",
    [
        (FILM[:1], "there is 1 frame, which shows no motion"),
        (FILM[:0], "there is no frame; give at least 2"),
        ("film.mp4", "frames are str, no array of numbers; read_video reads"),
        (None, "frames are NoneType, no array of numbers"),
        (FILM[0], r"shape \(3, 4, 3\)"),
        (FILM[..., 0], r"must be \[T, H, W, C\]"),
        (np.concatenate([FILM, FILM[..., :1]], -1), "C = 1 .gray. or 3"),  # RGBA
        (FILM[:, :0], "no pixels"),
        ((255 * FILM).astype(np.uint8), "uint8.* divide by 255"),
        (FILM > 0.5, "bool"),
        (spoiled(np.nan), r"NaN or infinity \(frame 1\)"),
        (spoiled(-np.inf), "NaN or infinity"),
        (255 * FILM, r"span \[0, 255\]; scale"),
        (spoiled(-0.1), r"span \[-0.1, 1\]"),
    ],
)
def test_frames_that_are_refused(frames, message):
    with pytest.raises(InputError, match=message) as caught:
        check_frames(frames)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("frames", [FILM, FILM[..., :1], FILM.astype(np.float16), jnp.asarray(FILM), spoiled(1.0005)])
def test_frames_that_are_accepted(frames):
    checked = check_frames(frames)
    assert checked.dtype == jnp.float32 and checked.shape == frames.shape
    np.testing.assert_allclose(checked, np.clip(frames, 0, 1), atol=1e-6)
    assert checked.max() <= 1


@pytest.mark.parametrize(
    "tau, message",
    [
        (-1e-9, r"duty cycle -1e-09 is outside \[0, 0.5\]"),
        (2, "duty cycle 2 is outside"),
        (-0.1, "-0.1 is outside"),
        (float("nan"), "nan is outside"),
        ([0.3, 0.7, 0.5], "0.7 is outside"),
        ([0.3, 0.4], r"of shape \(2,\) for 3 frames"),
        ([0.3], r"of shape \(1,\) for 3 frames"),
        (object(), "the duty cycle is object; give a number"),
        ("always", "'always' is not a number"),
        ("0.3", "not a number"),
    ],
)
def test_duty_cycles_that_are_refused(tau, message):
    with pytest.raises(InputError, match=message) as caught:
        check_duty_cycle(tau, 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("tau, expected", [(0.5, [0.5] * 3), ([0.1, 0.3, 0.5], [0.1, 0.3, 0.5])])
def test_duty_cycles_that_are_accepted(tau, expected):
    checked = check_duty_cycle(tau, 3)
    assert checked.dtype == jnp.float32
    np.testing.assert_allclose(checked, expected, rtol=1e-6)


@pytest.mark.parametrize("how", ["auto", "per-frame"])
def test_duty_cycles_that_are_to_be_found(how):
    assert check_duty_cycle(how, 3) == how
