"""The parts of section 4: occlusion, the post-filter of Eqs. (18)-(19), the duty cycle, and the inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from gvd_jax.errors import InputError
from gvd_jax.method.camera_curve import find_transfer
from gvd_jax.method.duty_cycle import SPREAD, USUAL, FoundDutyCycle, find_duty_cycle, find_duty_cycles, find_shutters
from gvd_jax.method.inputs import check_duty_cycle, check_frames
from gvd_jax.method.occlusion import inside, visibility
from gvd_jax.method.post_filter import post_filter
from gvd_jax.ops.exposure import quadratic_path
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.transfer import NONE, SRGB, power_transfer
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


TIMES = np.arange(7)
ZIGZAG = 6 * TIMES + 4j * (TIMES % 2)  # the path of a texture, x + iy: neighbours are blurred along different kernels
UNIFORM = (6 + 2j) * TIMES


def blurred(path, tau, height=96, width=128, contrast=0.15):
    """A texture [T, H, W, 1] that moves along `path`, blurred by the kernels of Eq. (3), and its exact flow.

    `path` also names the places before the first and after the last frame.
    """
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((2 * height, 2 * width)), 0.8, mode="wrap")
    texture = np.fft.fft2(noise / noise.std())
    fy, fx = np.fft.fftfreq(2 * height)[:, None], np.fft.fftfreq(2 * width)[None]
    moved = [np.fft.ifft2(texture * np.exp(-2j * np.pi * (fx * p.real + fy * p.imag))).real for p in path[1:-1]]
    frames = np.stack(moved)[:, :height, :width, None]
    step = np.diff(path)
    flow = np.stack([step[1:], -step[:-1]], 1)[:, :, None, None]
    flow = np.broadcast_to(np.stack([flow.real, flow.imag], -1), (len(path) - 2, 2, height, width, 2))
    frames = jnp.asarray(np.clip(0.5 + contrast * frames, 0, 1), jnp.float32)
    flow = jnp.asarray(flow, jnp.float32)
    # More samples than the estimate takes: it must not live off the same numbers.
    return motion_blur(quadratic_path, 12, frames, flow, jnp.asarray(tau, jnp.float32)), flow


@pytest.mark.parametrize("curve", [NONE, SRGB, power_transfer(2.8)], ids=["none", "srgb", "2.8"])
def test_the_curve_under_which_the_blur_added_up_is_found(curve):
    """As a number, and none is told apart."""
    light, flow = blurred(8 * TIMES + 8j * (TIMES % 2), np.full(5, 0.4), contrast=0.3)
    found = find_transfer(curve.to_display(light), flow, jnp.full(5, 0.4), quadratic_path)
    assert (found.transfer is NONE) == (curve is NONE) == (found.uncertainty == 0)
    assert float(found.transfer.gamma) == pytest.approx(curve.gamma, abs=0.3)
    assert found.uncertainty < 0.5


@pytest.mark.parametrize("path", [ZIGZAG, UNIFORM], ids=["zigzag", "uniform"])
@pytest.mark.parametrize("tau", [0.25, 0.3, 0.4, 0.5])
def test_duty_cycle_of_a_clip_is_found(path, tau):
    """Under a uniform motion as well, where all frames are blurred alike."""
    found = find_duty_cycle(*blurred(path, np.full(5, tau)))
    assert found.duty_cycle == pytest.approx(tau, abs=0.04)
    assert found.share > 0.85


@pytest.mark.parametrize("tau", [0.001, 0.06])
@pytest.mark.parametrize("path", [ZIGZAG, 2 * UNIFORM], ids=["zigzag", "uniform"])
def test_duty_cycle_of_sharp_frames_is_zero(path, tau):
    """Also if they are blurred by less than two pixels."""
    found = find_duty_cycle(*blurred(path, np.full(5, tau)))
    assert found.duty_cycle == pytest.approx(0, abs=0.01) and found.uncertainty < 0.05


@pytest.mark.parametrize("taus", [np.full(5, 0.4), np.array([0.2, 0.4, 0.3, 0.45, 0.25])], ids=["alike", "changing"])
def test_duty_cycle_says_how_sure_it_is(taus):
    """By the standard deviation of the mean of its frames."""
    found = find_duty_cycle(*blurred(ZIGZAG, taus))
    assert found.scatter == pytest.approx(np.std(taus[1:-1]) / np.sqrt(2), abs=0.03)


def test_duty_cycle_of_every_frame_is_found():
    taus = np.array([0.2, 0.4, 0.3, 0.45, 0.25])
    np.testing.assert_allclose(find_duty_cycles(*blurred(ZIGZAG, taus)), taus, atol=0.07)


def two_shots(first: float, second: float):
    """Of five frames each."""
    frames, flow = (
        jnp.concatenate(own) for own in zip(*(blurred(ZIGZAG, np.full(5, x)) for x in (first, second)), strict=True)
    )
    return frames, flow, quadratic_path, jnp.ones(10).at[jnp.array([4, 9])].set(0)


@pytest.mark.parametrize("first, second", [(0.4, 0.0), (0.45, 0.25), (0.4, 0.35)])
def test_a_shot_that_surely_differs_has_its_own_duty_cycle(first, second):
    """One that does not has that of the clip; so does a clip whose own is known from elsewhere."""
    known = FoundDutyCycle(first, 1.0, 0.01)
    expected = [first, second if abs(first - second) > 0.1 else first]
    found, taus = find_shutters(*two_shots(first, max(second, 0.001)), clip=known)
    assert found is known
    np.testing.assert_allclose(taus, np.repeat(expected, 5), atol=0.05)
    alone = find_shutters(*two_shots(first, max(second, 0.001)))[1]
    np.testing.assert_allclose(alone, taus, atol=0.06)


UNIDENTIFIED = {
    "constant": (lambda: (jnp.full((5, 96, 128, 1), 0.4), blurred(ZIGZAG, np.full(5, 0.3))[1]), 0),
    "slow": (lambda: blurred(UNIFORM / 8, np.full(5, 0.3)), 0),
    "still": (lambda: blurred(0 * UNIFORM, np.full(5, 0.3)), USUAL),
}


@pytest.mark.parametrize("name", UNIDENTIFIED)
def test_duty_cycle_is_the_least_harmful_where_nothing_tells(name):
    """The usual one of cameras where nothing moves, which changes nothing there; else none."""
    make, expected = UNIDENTIFIED[name]
    clip = make()
    found = find_duty_cycle(*clip)
    assert found.duty_cycle == pytest.approx(expected, abs=0.01) and found.share < 0.05
    assert found.uncertainty == pytest.approx(SPREAD, abs=0.01)
    np.testing.assert_allclose(find_duty_cycles(*clip), expected, atol=0.01)


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
        ([0.3, 0.4], "2 duty cycles for 3 frames"),
        ([0.3], "1 duty cycles for 3 frames"),
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
