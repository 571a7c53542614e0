"""Section 4.1: the duty cycle of a clip and the curve of its camera, found of a texture blurred along its motion."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from gvd_jax.method.camera_curve import READING, _votes, find_transfer
from gvd_jax.method.duty_cycle import SPREAD, USUAL, FoundDutyCycle, find_duty_cycle, find_duty_cycles, find_shutters
from gvd_jax.ops.exposure import quadratic_path
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.transfer import NONE, SRGB, power_transfer

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
    assert (found.transfer is NONE) == (curve is NONE) and found.uncertainty > 0
    assert float(found.transfer.gamma) == pytest.approx(curve.gamma, abs=0.3)
    assert found.uncertainty < 0.5


MISMATCHES = {  # of pairs under no curve and under others, and how many vote
    "alike": ([0.010, 0.011, 0.012], 3),
    "one of a turn": ([0.003, 0.003, 0.040], 2),
    "frames out of order": ([0.01, 0.4, 0.25], 1),
    "one that is not known": ([0.01, 0.0, 0.01], 2),
    "none": ([0.0, 0.0, 0.0], 0),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_pairs_that_no_curve_explains_do_not_vote(name):
    mismatches, expected = MISMATCHES[name]
    whole = np.where(np.array(mismatches) > 0, 2.0, 0)
    under = np.array([0.8, 0.9, 1.0, 1.1])[:, None] * mismatches
    votes = _votes(np.stack([under * whole, np.broadcast_to(whole, under.shape)], 1))
    assert votes.shape == (4, expected)
    voting = [m for m in mismatches if 0 < m < 0.04]
    np.testing.assert_allclose(votes[0], np.log(0.8 * np.array(voting[:expected]) + READING))


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


@pytest.mark.parametrize("pixels, spacing", [(8, 12), (5, 11)])
def test_scrolled_text_is_sharp(pixels, spacing):
    """Its lines are as far apart as the ends of a blur would be, but no blur is so steep."""
    page = Image.new("L", (160, 400), "white")
    for y in range(0, 400, spacing):
        ImageDraw.Draw(page).text((4 - y % 7, y), "the quick brown fox jumps over it", fill=20)
    frames = np.stack([np.asarray(page)[pixels * i + 20 :][:112] for i in range(6)]) / 255
    flow = np.zeros((6, 2, 112, 160, 2), np.float32)
    flow[:, 0, ..., 1], flow[:, 1, ..., 1] = -pixels, pixels
    found = find_duty_cycle(jnp.asarray(frames[..., None], jnp.float32), jnp.asarray(flow))
    assert found.duty_cycle == 0 and found.uncertainty < 0.05


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


@pytest.mark.parametrize("known", [None, FoundDutyCycle(0.4, 1.0, 0.01)], ids=["alone", "of a film"])
@pytest.mark.parametrize("columns, expected", [(0, 0.0), (24, 0.4)], ids=["nothing moves far", "a part does"])
def test_a_shot_that_tells_nothing_has_that_of_the_clip_if_anything_moves_far(columns, expected, known):
    """Its edges could only lose."""
    clips = blurred(ZIGZAG, np.full(5, 0.4)), blurred(UNIFORM / 8, np.full(5, 0.4))
    fast, its_flow = blurred(UNIFORM, np.full(5, 0.4))
    frames, flow = clips[1]
    frames = frames.at[:, :, :columns].set(fast[:, :, :columns])
    flow = flow.at[:, :, :, :columns].set(its_flow[:, :, :, :columns])
    assert not find_duty_cycle(frames, flow).told
    frames, flow = (jnp.concatenate(own) for own in zip(clips[0], (frames, flow), strict=True))
    ends = jnp.ones(10).at[jnp.array([4, 9])].set(0)
    found, taus = find_shutters(frames, flow, quadratic_path, ends, known)
    assert found.told
    np.testing.assert_allclose(taus, np.repeat([0.4, expected], 5), atol=0.05)


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
