"""Operators against the loops of `references`, facts known by hand, and central differences."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from gvd_jax.ops import transfer
from gvd_jax.ops.differences import forward_difference
from gvd_jax.ops.exposure import piecewise_linear_path, quadratic_path
from gvd_jax.ops.filters import box_mean, central_gradient, smooth
from gvd_jax.ops.gaussian_defocus import SCALES, discrete_gaussian, gaussian_defocus, variance
from gvd_jax.ops.linear_map import linear_map
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.resize import resize_defocus, resize_flow, resize_frames
from gvd_jax.ops.sampling import sample
from gvd_jax.ops.warp import DISTANCES, NEIGHBOURS, displacements, neighbour_exists, neighbour_index, one_shot, warp
from tests.problems import TAPS, moments, point_spread, random_clip
from tests.references import blur, energy

PATHS = {
    "linear": (piecewise_linear_path, blur.linear_path),
    "quadratic": (quadratic_path, blur.quadratic_path),
}
SMALL = [(3, 5, 7, 2), (2, 1, 5, 1), (2, 6, 1, 3)]

blurred = jax.jit(motion_blur, static_argnums=(0, 1))
out_of_focus = jax.jit(gaussian_defocus, static_argnums=0)
moves = jax.jit(displacements, static_argnums=1)
warped = jax.jit(warp, static_argnums=2)


def constant_flow(forward, backward, frames=3, height=7, width=9):
    both = jnp.array([forward, backward], jnp.float32)[None, :, None, None]
    return jnp.broadcast_to(both, (frames, 2, height, width, 2))


@pytest.mark.parametrize("shape", SMALL, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_eq3_motion_blur_equals_the_loop(x64, path, shape):
    unknowns, observation = random_clip(shape)
    fast, slow = PATHS[path]
    result = blurred(fast, 3, unknowns.latent, unknowns.flow, observation.duty_cycle)
    arrays = [np.asarray(a) for a in (unknowns.latent, unknowns.flow, observation.duty_cycle)]
    np.testing.assert_allclose(result, blur.motion_blur(*arrays, 3, slow), rtol=1e-12)


@pytest.mark.parametrize(
    "path, forward, backward, taps",
    TAPS,
)
def test_eq3_piecewise_linear_kernel_and_its_parabola(path, forward, backward, taps):
    impulse = jnp.zeros((3, 7, 9, 1)).at[:, 3, 4].set(1)
    result = blurred(PATHS[path][0], 2, impulse, constant_flow(forward, backward), jnp.full(3, 0.5))
    expected = np.zeros(9)
    for offset, weight in taps.items():
        expected[4 - offset] = weight  # row x reads x + offset
    np.testing.assert_allclose(result[1, 3, :, 0], expected, atol=1e-6)
    np.testing.assert_allclose(result[1].sum(), 1.0, rtol=1e-6)


@pytest.mark.parametrize("move", [(2.0, 0.0), (0.0, -1.5), (1.0, 0.5)], ids=str)
def test_eq3_reads_against_the_flow_and_eq5_along_it(move):
    """On a ramp, one-sided: K reads L(x - d(t)), whose mean is a quarter tau |u| back; the warp reads L(x + u)."""
    slope = np.array([0.03, 0.05])
    y, x = np.mgrid[:7, :9]
    ramp = jnp.asarray(np.tile((slope[0] * x + slope[1] * y)[None, ..., None], (3, 1, 1, 1)), jnp.float32)
    flow = constant_flow(move, (0.0, 0.0))
    inner = (1, slice(2, -2), slice(2, -2), 0)
    blurry = blurred(piecewise_linear_path, 4, ramp, flow, jnp.full(3, 0.5))
    np.testing.assert_allclose((blurry - ramp)[inner], -slope @ move / 8, rtol=1e-4)
    read = warped(ramp, moves(flow, 1), 1)
    np.testing.assert_allclose((read[:, 0] - ramp)[inner], slope @ move, rtol=1e-4)


def increments(scales):
    """The kernel from each scale to the next."""
    steps = np.diff(np.square(scales))
    return [discrete_gaussian(step, int(np.ceil(4 * np.sqrt(steps.max())))) for step in steps]


def test_eq4_defocus_equals_the_loop(x64):
    unknowns, _ = random_clip((2, 5, 7, 2))
    v = np.asarray(variance(unknowns.defocus))
    expected = blur.gaussian_defocus(np.asarray(unknowns.latent), v, SCALES, increments(SCALES))
    np.testing.assert_allclose(out_of_focus(SCALES, unknowns.latent, unknowns.defocus), expected, rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.0, 0.3, 0.5, 1.2, 2.0])
def test_eq4_defocus_has_the_variance_of_its_sigma(x64, sigma):
    """Variances of repeated blurs add up exactly, between the scales as on them."""
    kernel = point_spread(lambda impulse: out_of_focus(SCALES, impulse, jnp.full((1, 33, 33), sigma)))
    v = sigma * np.hypot(sigma, 0.25)
    np.testing.assert_allclose(moments(kernel), [1, 0, 0, 0, v, v], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_fig9_composition_and_eq5_reads_equal_the_loop(x64, shape):
    unknowns, _ = random_clip(shape)
    frames, height, width, channels = shape
    latent, flow = np.asarray(unknowns.latent), np.asarray(unknowns.flow)
    by_distance = [moves(unknowns.flow, distance) for distance in DISTANCES]
    reads = [warped(unknowns.latent, move, distance) for distance, move in zip(DISTANCES, by_distance, strict=True)]
    move, read = np.concatenate(by_distance, 1), np.concatenate(reads, 1)
    assert read.shape == (frames, 4, height, width, channels)
    exists = neighbour_exists(one_shot(frames), NEIGHBOURS)
    for i, k, y, x in np.ndindex(frames, 4, height, width):
        n = NEIGHBOURS[k]
        if exists[i, k]:
            u = energy.displacement(flow, i, n, y, x)
            np.testing.assert_allclose(move[i, k, y, x], u, atol=1e-12)
            np.testing.assert_allclose(read[i, k, y, x], blur.bilinear(latent[i + n], y + u[1], x + u[0]), atol=1e-12)


def test_neighbours_beyond_the_clip_are_clamped_and_do_not_exist():
    np.testing.assert_array_equal(
        [neighbour_index(3, n) for n in NEIGHBOURS], [[1, 2, 2], [0, 0, 1], [2, 2, 2], [0, 0, 0]]
    )
    np.testing.assert_array_equal(neighbour_exists(one_shot(3), NEIGHBOURS), [[1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1]])


def through(function):
    """A scalar of `function`, every entry of its value with a weight of its own."""

    def scalar(x):
        values = function(x)
        return jnp.vdot(values, jnp.cos(jnp.arange(values.size, dtype=values.dtype)).reshape(values.shape))

    return scalar


DERIVATIVES = {
    "motion_blur_linear-flow": lambda v, o: (
        lambda f: motion_blur(piecewise_linear_path, 3, v.latent, f, o.duty_cycle),
        v.flow,
    ),
    "motion_blur_quadratic-flow": lambda v, o: (
        lambda f: motion_blur(quadratic_path, 3, v.latent, f, o.duty_cycle),
        v.flow,
    ),
    "motion_blur_linear-duty_cycle": lambda v, o: (
        lambda t: motion_blur(piecewise_linear_path, 3, v.latent, v.flow, t),
        o.duty_cycle,
    ),
    "motion_blur_quadratic-duty_cycle": lambda v, o: (
        lambda t: motion_blur(quadratic_path, 3, v.latent, v.flow, t),
        o.duty_cycle,
    ),
    "gaussian_defocus-sigma": lambda v, o: (lambda s: gaussian_defocus(SCALES[:4], v.latent, s), v.defocus),
    "sample-x": lambda v, o: (
        lambda x: sample(v.latent, jnp.array([2]), 0.7 * x[None], x[None]),
        5 + v.flow[0, 0, ..., 0],
    ),
    "warp-move": lambda v, o: (lambda m: warp(v.latent, m, 1), v.flow),
    "displacements-flow": lambda v, o: (lambda f: displacements(f, 2), v.flow),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_equal_central_differences(x64, name):
    """In a random direction; random positions keep clear of the kinks by far more than the step."""
    function, x = DERIVATIVES[name](*random_clip((3, 7, 9, 2)))
    scalar = jax.jit(through(function))
    direction = jnp.asarray(np.random.default_rng(1).standard_normal(x.shape))
    step = 1e-6
    expected = (scalar(x + step * direction) - scalar(x - step * direction)) / (2 * step)
    slope = jnp.vdot(jax.jit(jax.grad(scalar))(x), direction)
    assert abs(expected) > 1e-2
    np.testing.assert_allclose(slope, expected, rtol=1e-6)


def test_defocus_has_a_gradient_at_zero(x64):
    unknowns, _ = random_clip((1, 5, 7, 1))
    scalar = through(lambda s: gaussian_defocus(SCALES[:2], unknowns.latent, s))
    at_zero = jax.jit(jax.grad(scalar))(0 * unknowns.defocus)
    assert jnp.abs(at_zero).min() > 1e-4


@pytest.mark.xfail(strict=True, reason="two clips tie at sigma = 0 and each halves the slope")
def test_defocus_has_its_full_slope_at_zero(x64):
    unknowns, _ = random_clip((1, 5, 7, 1))
    scalar = jax.jit(
        jax.value_and_grad(lambda s: out_of_focus(SCALES[:2], unknowns.latent, s + 0 * unknowns.defocus)[0, 2, 3, 0])
    )
    (at_zero, slope), (beside, _) = scalar(0.0), scalar(1e-7)
    np.testing.assert_allclose(slope, (beside - at_zero) / 1e-7, rtol=1e-4)


def test_beyond_the_border_positions_have_no_gradient(x64):
    unknowns, _ = random_clip((1, 5, 7, 1))
    y, x = jnp.array([[-2.0, 9.0, 2.5, 2.5]]), jnp.array([[3.5, 3.5, -0.5, 6.5]])
    index = jnp.array([0])
    dy, dx = jax.jit(jax.grad(lambda y, x: sample(unknowns.latent, index, y, x).sum(), (0, 1)))(y, x)
    np.testing.assert_array_equal(dy[0, :2], 0)
    np.testing.assert_array_equal(dx[0, 2:], 0)
    assert jnp.abs(dy[0, 2:]).min() > 0 and jnp.abs(dx[0, :2]).min() > 0


@pytest.mark.parametrize("shape", SMALL, ids=str)
def test_forward_differences_equal_the_loop(shape):
    x = np.random.default_rng(0).uniform(size=shape)
    expected = np.array([energy.differences(x[i], j, k) for i, j, k in np.ndindex(shape[:3])])
    expected = np.moveaxis(expected.reshape(*shape[:3], 2, shape[3]), 3, 0)
    result = [forward_difference(jnp.asarray(x), axis) for axis in (2, 1)]
    np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 15])
@pytest.mark.parametrize("shape", [(2, 9, 12), (1, 1, 7, 2), (2, 5, 1, 3)], ids=str)
def test_mean_of_a_window_equals_scipy_and_its_transpose(x64, rng, shape, size):
    x, y = rng.standard_normal((2, *shape))
    window = [1, size, size, 1][: len(shape)]
    np.testing.assert_allclose(box_mean(jnp.asarray(x), size), ndimage.uniform_filter(x, window, mode="nearest"))
    mean, transpose = jax.vjp(lambda x: box_mean(x, size), jnp.asarray(x))
    np.testing.assert_allclose((mean * y).sum(), (transpose(jnp.asarray(y))[0] * x).sum(), rtol=1e-9)


def test_filters_of_a_ramp_and_a_parabola(x64):
    y, x = (a.astype(float) for a in np.mgrid[:7, :9])
    frames = jnp.asarray(np.stack([3 * x + 2 * y, x**2 + y**2], -1)[None])
    inner = (0, slice(1, -1), slice(1, -1))
    slopes = np.stack([3 + 0 * x, 2 * x, 2 + 0 * x, 2 * y], -1)
    np.testing.assert_allclose(central_gradient(frames)[inner], slopes[inner[1:]])
    # The binomial has variance 1/2 per axis: it lifts x^2 by 1/2.
    np.testing.assert_allclose(smooth(frames)[inner], (frames + jnp.array([0, 1.0]))[inner])


@pytest.mark.parametrize("height, width", [(18, 33), (5, 8), (9, 11)])
def test_resizing_rescales_flow_and_defocus(height, width):
    flow = resize_flow(constant_flow((3, -2), (0.5, 1), 2, 9, 11), height, width)
    assert flow.shape == (2, 2, height, width, 2)
    ratio = np.array([width / 11, height / 9])
    np.testing.assert_allclose(flow[:, 0] / ratio - np.array([3, -2]), 0, atol=1e-5)
    np.testing.assert_allclose(flow[:, 1] / ratio - np.array([0.5, 1]), 0, atol=1e-5)
    defocus = resize_defocus(jnp.full((2, 9, 11), 1.5), height, width)
    np.testing.assert_allclose(defocus, np.full((2, height, width), 1.5 * np.sqrt(ratio.prod())), rtol=1e-5)


def test_bicubic_upsampling_is_exact_for_parabolas():
    """Keys' kernel with a = -1/2 reproduces polynomials up to the second degree; pixel centres lie at half integers."""
    y, x = np.mgrid[:9, :11] + 0.5
    fine_y, fine_x = (np.mgrid[:18, :33] + 0.5) / np.array([2, 3])[:, None, None]

    def parabola(y, x):
        return 0.01 * x**2 - 0.02 * y**2 + 0.03 * x * y + 0.5

    frames = jnp.asarray(parabola(y, x)[None, ..., None], jnp.float32)
    inner = (slice(4, -4), slice(6, -6))
    np.testing.assert_allclose(
        resize_frames(frames, 18, 33)[0, ..., 0][inner], parabola(fine_y, fine_x)[inner], rtol=1e-5
    )


MIDDLE = {"none": 0.5, "srgb": 0.21404, "gamma22": 0.21764}  # linear light of display value 1/2


@pytest.mark.parametrize("curve", transfer.TRANSFERS, ids=lambda c: c.name)
def test_transfer_curves_invert_and_have_finite_slopes(x64, curve):
    display = jnp.linspace(0, 1, 101)
    light = curve.to_linear(display)
    assert (jnp.diff(light) > 0).all()
    np.testing.assert_allclose(light[jnp.array([0, 50, 100])], [0, MIDDLE[curve.name], 1], rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(curve.to_display(light), display, atol=3e-4)
    np.testing.assert_allclose(curve.to_display(light)[1:], display[1:], atol=1e-6)
    for direction in (curve.to_linear, curve.to_display):
        assert np.isfinite(jax.vmap(jax.grad(direction))(display)).all()
    ends = curve.to_linear(jnp.asarray([0.5 - 1e-6, 0.5 + 1e-6]))
    np.testing.assert_allclose(curve.slope(jnp.asarray(0.5)), jnp.diff(ends)[0] / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("curve", transfer.TRANSFERS, ids=lambda c: c.name)
def test_gray_has_the_luma_of_the_light(x64, curve):
    frames = jnp.asarray(np.random.default_rng(0).uniform(0.05, 1, (2, 3, 4, 3)))
    light = np.asarray(curve.to_linear(frames)) @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(curve.to_linear(curve.gray(frames))[..., 0], light, rtol=1e-6)
    gray = frames[..., :1]
    np.testing.assert_allclose(curve.gray(gray), gray, rtol=1e-6)


def test_a_linear_map_is_transposed_by_the_function_its_author_wrote():
    """Shown by an adjoint that is wrong on purpose."""

    def scaled(a, x):
        return linear_map(lambda a, x: a * x, lambda a, y: 10 * a * y, jnp.shape(x), a, x)

    x = jnp.arange(3.0)
    np.testing.assert_array_equal(jax.grad(lambda x: scaled(2.0, x).sum())(x), 20.0)
    np.testing.assert_array_equal(jax.jvp(partial(scaled, 2.0), (x,), (x + 1,))[1], 2 * (x + 1))
    np.testing.assert_array_equal(jax.jit(jax.vmap(scaled))(x, x + 1), x * (x + 1))
    # In its parameters a linear map has the derivative of its forward function.
    np.testing.assert_allclose(jax.grad(lambda a: scaled(a, x).sum())(2.0), x.sum())
    both = jax.jvp(scaled, (2.0, x), (3.0, x + 1))[1]
    np.testing.assert_allclose(both, 3 * x + 2 * (x + 1))
