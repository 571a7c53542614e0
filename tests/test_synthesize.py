"""Rendered clips agree with their own truth, and averaged clips with section 5.1."""

import numpy as np
import pytest
from scipy import ndimage

from gvd_jax.errors import InputError
from gvd_jax.video.layers import ANTIALIAS, Layer, Path, decode, ellipse, encode, photograph, random_path
from gvd_jax.video.synthesize import (
    average_frames,
    demo_clip,
    render,
    render_footage,
    table_3_layers,
    two_layer_clip,
)

HEIGHT, WIDTH = 64, 80


def step_layer(path):
    """Black on the left, white on the right, the edge in the middle."""
    texture = np.zeros((HEIGHT, 6 * WIDTH, 3), np.float32)
    texture[:, 3 * WIDTH :] = 1.0
    return Layer(texture, 3.0, path)


def dot_layers(path):
    """A white disc of radius 4 on black."""
    black = Layer(np.zeros((HEIGHT, WIDTH, 3), np.float32), 1.0, Path())
    return [black, Layer(np.ones((41, 41, 3), np.float32), 4.0, path, ellipse((41, 41), 20 + 20j, 16 + 16j))]


def two_layers(seed, frames=4):
    """A shaken garage and a cup moving on its own, smooth enough that cubic interpolation of a frame is accurate."""
    rng = np.random.default_rng(seed)
    garage = ndimage.gaussian_filter(photograph("motorcycle"), (4, 4, 0))
    coffee = ndimage.gaussian_filter(photograph("coffee"), (14, 14, 0))
    matte = ellipse(coffee.shape, 278 + 226j, 200 + 160j)
    return [
        Layer(garage, 4.0, random_path(rng, frames, 4.0, turn=0.01)),
        Layer(coffee, 14.0, random_path(rng, frames, 5.0), matte),
    ]


def psnr(a, b, mask):
    return -10 * np.log10(np.mean((a - b)[mask] ** 2))


def edge_moments(row):
    """Mean and variance of the kernel that blurred a step edge; differencing pixels adds a box, variance 1/12.

    Rounding to 8 bits cuts the tails, so the variance is good to 1% or 0.06 px^2.
    """
    weight = np.diff(row.astype(np.float64))
    x = np.arange(len(weight)) + 0.5
    mean = (weight * x).sum() / weight.sum()
    return mean, (weight * (x - mean) ** 2).sum() / weight.sum() - 1 / 12


@pytest.mark.parametrize("direction, step", [(0, 1), (1, -1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_flow_warps_the_neighbour_onto_the_frame(seed, direction, step):
    clip = render(two_layers(seed), 4, 96, 128, 0.0, defocus=(1.0, 0.0))
    y, x = np.mgrid[:96, :128]
    for i in (1, 2):
        u = clip.flow[i, direction]
        where = [y + u[..., 1], x + u[..., 0]]
        channels = [ndimage.map_coordinates(clip.sharp[i + step, ..., c], where, order=3) for c in range(3)]
        # Beside the soft edge of the matte a pixel mixes both layers, and no single flow explains it.
        cup = clip.defocus[i] == 0
        edge = ndimage.binary_dilation(cup, iterations=3) & ~ndimage.binary_erosion(cup, iterations=3)
        seen = ndimage.binary_erosion(clip.visible[i, direction], iterations=3) & ~edge
        assert cup[seen].sum() > 200 and seen.mean() > 0.65
        assert psnr(np.stack(channels, -1), clip.sharp[i], seen) > 60.0
        assert psnr(clip.sharp[i + step], clip.sharp[i], seen) < 25.0


def test_pixels_called_invisible_are_those_no_flow_can_fetch():
    clip = render(two_layers(0), 4, 96, 128, 0.0)
    y, x = np.mgrid[:96, :128]
    u = clip.flow[1, 0]
    inside = (x + u[..., 0] >= 0) & (x + u[..., 0] <= 127) & (y + u[..., 1] >= 0) & (y + u[..., 1] <= 95)
    covered = inside & ~clip.visible[1, 0]
    assert not clip.visible[1, 0][~inside].any()
    red = ndimage.map_coordinates(clip.sharp[2, ..., 0], [y + u[..., 1], x + u[..., 0]], order=1)
    assert covered.sum() > 50
    assert np.abs(red - clip.sharp[1, ..., 0])[covered].mean() > 0.05


@pytest.mark.parametrize("dx, dy", [(3, 1), (-2, 4), (0, 0)])
def test_a_whole_pixel_drift_is_an_exact_shift(dx, dy):
    layer = Layer(photograph("astronaut"), 5.0, Path(drift=complex(dx, dy)))
    clip = render([layer], 2, HEIGHT, WIDTH, 0.0)
    np.testing.assert_allclose(clip.flow[:, 0], np.broadcast_to([dx, dy], (2, HEIGHT, WIDTH, 2)), atol=1e-6)
    np.testing.assert_allclose(clip.flow[:, 1], -clip.flow[:, 0], atol=1e-6)
    moved = np.roll(clip.sharp[0], (dy, dx), (0, 1))[8:-8, 8:-8]
    np.testing.assert_allclose(clip.sharp[1][8:-8, 8:-8], moved, atol=1e-5)


@pytest.mark.parametrize("transfer", ["none", "gamma22", "srgb"])
def test_a_static_scene_is_not_blurred(transfer):
    still = [Layer(photograph("chelsea"), 4.0, Path())]
    clip = render(still, 2, HEIGHT, WIDTH, 0.5, transfer=transfer)
    np.testing.assert_allclose(clip.blurry, clip.sharp, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("tau, speed", [(0.1, 8.0), (0.25, 8.0), (0.5, 8.0), (0.5, -8.0), (0.45, 13.0)])
def test_blur_of_an_edge_is_a_box_of_the_exposure(tau, speed):
    clip = render([step_layer(Path(drift=complex(speed, 0)))], 1, HEIGHT, WIDTH, tau)
    mean, variance = edge_moments(clip.blurry[0, 5, :, 1])
    assert mean == pytest.approx((WIDTH - 1) / 2, abs=0.05)
    assert variance == pytest.approx(ANTIALIAS**2 + (2 * tau * speed) ** 2 / 12, rel=0.01, abs=0.06)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_exposure_follows_the_curved_path(sign):
    # x(t) = 20 cos(2 pi 0.15 t) has no velocity at t = 0: all blur lies on one side, towards the centre.
    path = Path(frequency=np.array([0.15, -0.15]), shake=sign * np.array([10.0, 10.0], complex))
    clip = render(dot_layers(path), 1, HEIGHT, WIDTH, 0.5)
    weight = clip.blurry[0, ..., 0].sum(0)
    centroid = (weight * np.arange(WIDTH)).sum() / weight.sum() - (WIDTH - 1) / 2
    phase = 2 * np.pi * 0.15 * 0.5
    assert centroid == pytest.approx(sign * 20 * np.sin(phase) / phase, abs=0.05)
    assert clip.flow[0, 0, 31, 39 + sign * 20, 0] == pytest.approx(sign * 20 * (np.cos(2 * phase) - 1), abs=1e-4)
    np.testing.assert_allclose(clip.flow[0, 0], clip.flow[0, 1], atol=1e-5)


@pytest.mark.parametrize("transfer, middle", [("none", 0.5), ("gamma22", 0.5 ** (1 / 2.2)), ("srgb", 0.73536)])
def test_light_adds_up_in_the_space_of_the_transfer(transfer, middle):
    clip = render([step_layer(Path(drift=12 + 0j))], 1, HEIGHT, WIDTH + 1, 0.5, transfer=transfer)
    assert clip.blurry[0, 5, WIDTH // 2, 0] == pytest.approx(middle, abs=0.03)
    values = np.linspace(0, 1, 11)
    np.testing.assert_allclose(encode(decode(values, transfer), transfer), values, atol=1e-7)


@pytest.mark.parametrize("sigma", [0.5, 1.5, 2.5])
def test_defocus_is_a_gaussian_of_that_deviation(sigma):
    clip = render([step_layer(Path())], 1, HEIGHT, WIDTH, 0.0, defocus=(sigma,))
    _, variance = edge_moments(clip.blurry[0, 5, :, 0])
    assert variance == pytest.approx(ANTIALIAS**2 + sigma**2, rel=0.01, abs=0.06)
    np.testing.assert_array_equal(clip.defocus, np.float32(sigma))


def test_defocus_belongs_to_the_visible_surface():
    clip = render(dot_layers(Path(offset=10 - 5j)), 1, HEIGHT, WIDTH, 0.3, defocus=(2.0, 0.5))
    assert clip.defocus[0, 31 - 5, 39 + 10] == 0.5 and clip.defocus[0, 31, 39 - 20] == 2.0
    assert (clip.defocus == 0.5).sum() == pytest.approx(np.pi * 16, abs=6)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_seed_fixes_every_number(noise):
    path = random_path(np.random.default_rng(3), 2, 5.0)
    layer = Layer(np.full((90, 90, 3), 0.5, np.float32), 1.0, path)
    first, again, other = (render([layer], 2, HEIGHT, WIDTH, 0.4, noise=noise, seed=s) for s in (7, 7, 8))
    np.testing.assert_array_equal(first.blurry, again.blurry)
    assert np.array_equal(first.blurry, other.blurry) == (noise == 0)
    assert first.blurry.std() == pytest.approx(noise, rel=0.03)
    np.testing.assert_allclose(first.blurry * 255, np.round(first.blurry * 255), atol=1e-4)


def test_demo_clip_is_what_it_says():
    clip = demo_clip()
    assert clip.blurry.shape == clip.sharp.shape == (7, 192, 256, 3)
    assert clip.blurry.dtype == clip.sharp.dtype == clip.flow.dtype == clip.defocus.dtype == np.float32
    length = clip.duty_cycle * np.linalg.norm(clip.flow, axis=-1).sum(1)
    assert length.mean() == pytest.approx(6.0, abs=1.0)
    assert np.abs(clip.flow[:, 0] + clip.flow[:, 1]).mean() > 1.0  # curved: backward is not minus forward
    np.testing.assert_allclose(clip.flow[1:, 1, 0, 0], -clip.flow[:-1, 0, 0, 0], atol=0.5)
    assert 0.9 < clip.visible.mean() < 0.99
    assert 20 < psnr(clip.blurry, clip.sharp, np.ones(clip.blurry.shape, bool)) < 28
    assert not clip.defocus.any()


@pytest.mark.parametrize("motion, defocus", [(True, True), (True, False), (False, True)])
def test_two_layers_move_and_blur_as_table_3_says(motion, defocus):
    clips = [table_3_layers(seed, motion, defocus, 5) for seed in range(8)]
    drifts = np.array([[layer.path.drift for layer in layers] for layers, _ in clips])
    components = np.abs([drifts.real, drifts.imag])
    sigma = np.array([sigma for _, sigma in clips])
    if motion:
        assert 7 <= components.min() < 10 and 28 < components.max() <= 31
        assert (drifts.real < 0).any() and (drifts.real > 0).any()
        assert all(layer.path.position(2) == 0 for layers, _ in clips for layer in layers)  # in the middle at mid-clip
    else:
        assert not components.any()
    assert 0 <= sigma.min() < 0.5 and 2 < sigma.max() <= 2.5 if defocus else not sigma.any()


def test_two_layers_are_the_same_again():
    first, second, other = (two_layer_clip(seed, motion=False, frames=1) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.blurry, second.blurry)
    assert np.abs(first.blurry - other.blurry).mean() > 0.05
    assert len(np.unique(first.defocus)) == 2 and np.abs(first.flow).max() < 1e-9


def test_averaged_footage_is_the_rendered_exposure():
    layers = two_layers(2, frames=2)
    footage = render_footage(layers, 2, 15, 48, 64)
    blurry, sharp, tau = average_frames(footage, 15)
    clip = render(layers, 2, 48, 64, 0.5)
    assert footage.shape == (30, 48, 64, 3) and tau == 0.5
    assert np.abs(footage[22] - clip.sharp[1]).max() <= 0.51 / 255  # the middle of the second interval
    assert psnr(sharp, clip.sharp, ...) > 50
    assert psnr(blurry, clip.blurry, ...) > 50 > 35 > psnr(sharp, clip.blurry, ...)


@pytest.mark.parametrize("height", [120, 480])
def test_two_layers_of_another_size_show_the_same_scene(height):
    layers, sigma = table_3_layers(1, True, True, 5, height)
    others, other_sigma = table_3_layers(1, True, True, 5)
    np.testing.assert_allclose(sigma, np.array(other_sigma) * height / 240)
    for layer, other in zip(layers, others, strict=True):
        assert layer.path.drift == pytest.approx(other.path.drift * height / 240)
        assert layer.scale == pytest.approx(other.scale * 240 / height)


@pytest.mark.parametrize(
    "count, k, stride, expected, tau",
    [(15, 5, None, [2, 7, 12], 0.5), (16, 3, 5, [1, 6, 11], 0.3), (4, 1, 1, [0, 1, 2, 3], 0.5)],
)
def test_average_takes_the_middle_frame_as_truth(count, k, stride, expected, tau):
    ramp = np.broadcast_to(np.arange(count)[:, None, None, None] / count, (count, 6, 5, 3))
    blurry, sharp, duty_cycle = average_frames(ramp, k, stride)
    assert duty_cycle == pytest.approx(tau)
    np.testing.assert_allclose(sharp[:, 0, 0, 0], np.array(expected) / count, rtol=1e-6)
    np.testing.assert_allclose(blurry, sharp, atol=1e-6)  # the mean of a ramp is its middle


def test_average_in_linear_light_after_a_gaussian():
    frames = np.zeros((3, 21, 21, 1), np.float32)
    frames[0] = 1.0
    blurry, _, _ = average_frames(frames, 3, transfer="gamma22")
    np.testing.assert_allclose(blurry, (1 / 3) ** (1 / 2.2), rtol=1e-5)
    dot = np.zeros((1, 21, 21, 1), np.float32)
    dot[0, 10, 10] = 1.0
    blurry, sharp, _ = average_frames(dot, 1, sigma=1.5)
    y = np.arange(21) - 10
    assert (blurry[0, ..., 0].sum(1) * y**2).sum() == pytest.approx(1.5**2, rel=0.01)
    np.testing.assert_array_equal(sharp, dot)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda f: average_frames(f, 4), "odd"),
        (lambda f: average_frames(f, -1), "odd"),
        (lambda f: average_frames(f, 5, stride=3), "overlap"),
        (lambda f: average_frames(f, 9), "fill one exposure"),
        (lambda f: render([], 1, 8, 8, 0.5), "background"),
        (lambda f: render([dot_layers(Path())[1]], 1, 8, 8, 0.5), "background"),
        (lambda f: render([step_layer(Path())], 1, 8, 8, 0.6), "duty cycle"),
        (lambda f: render([step_layer(Path())], 1, 8, 8, 0.5, defocus=(1.0, 2.0)), "one per layer"),
    ],
)
def test_errors_are_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(np.zeros((7, 4, 4, 3)))
    assert "\n" not in str(caught.value)
