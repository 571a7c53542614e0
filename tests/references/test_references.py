"""The reference loops against facts known by hand."""

import numpy as np
import pytest

from tests.problems import TAPS
from tests.references import blur, energy, post_filter, solvers

PATHS = {"linear": blur.linear_path, "quadratic": blur.quadratic_path}
FRAMES, HEIGHT, WIDTH = 3, 7, 9


def random_problem(seed=0, channels=2):
    rng = np.random.default_rng(seed)
    latent = rng.uniform(size=(FRAMES, HEIGHT, WIDTH, channels))
    flow = 3 * rng.standard_normal((FRAMES, 2, HEIGHT, WIDTH, 2))
    return latent, flow, np.array([0.2, 0.35, 0.5])


def constant_flow(forward, backward):
    return np.broadcast_to(np.array([forward, backward], float)[None, :, None, None], (FRAMES, 2, HEIGHT, WIDTH, 2))


@pytest.mark.parametrize("samples", [0, 1, 4])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_motion_blur_rows(path, samples):
    latent, flow, tau = random_problem()
    blurry = blur.motion_blur(latent, flow, tau, samples, path)
    for i in range(FRAMES):
        matrix = blur.motion_blur_matrix(flow, tau, samples, path, i)
        assert matrix.min() >= 0
        np.testing.assert_allclose(matrix.sum(1), 1.0)
        np.testing.assert_allclose(matrix @ latent[i].reshape(-1, 2), blurry[i].reshape(-1, 2))
    adjoint = blur.motion_blur_adjoint(latent**2, flow, tau, samples, path)
    assert np.sum(blurry * latent**2) == pytest.approx(np.sum(latent * adjoint))
    np.testing.assert_allclose(blur.motion_blur(latent, 0 * flow, tau, samples, path), latent)


@pytest.mark.parametrize(
    "path, forward, backward, taps",
    TAPS,
)
def test_motion_blur_taps(path, forward, backward, taps):
    impulse = np.zeros((FRAMES, HEIGHT, WIDTH, 1))
    impulse[:, 3, 4] = 1
    tau = np.full(FRAMES, 0.5)
    blurry = blur.motion_blur(impulse, constant_flow(forward, backward), tau, 2, PATHS[path])
    expected = np.zeros(WIDTH)
    for offset, weight in taps.items():
        expected[4 - offset] += weight  # row x reads x + offset
    np.testing.assert_allclose(blurry[1, 3, :, 0], expected, atol=1e-12)
    assert blurry[1].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("variance, line", [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5), (2.5, 11 / 24), (9.0, 5 / 12)])
def test_defocus_blends_linearly_in_the_variance(variance, line):
    latent = np.zeros((1, HEIGHT, WIDTH, 1))
    latent[0, 3] = 1.0
    increments = [np.array([1 / 4, 1 / 2, 1 / 4]), np.array([1 / 6, 2 / 3, 1 / 6])]
    blurred = blur.gaussian_defocus(latent, np.full((1, HEIGHT, WIDTH), variance), (0.0, 1.0, 2.0), increments)
    np.testing.assert_allclose(blurred[0, 3], line)
    np.testing.assert_allclose(blurred[0].sum(0), 1.0)
    constant = blur.gaussian_defocus(
        0 * latent + 0.3, np.full((1, HEIGHT, WIDTH), variance), (0.0, 1.0, 2.0), increments
    )
    np.testing.assert_allclose(constant, 0.3)


def test_data_term_counts_value_and_both_derivatives():
    error = np.zeros((1, HEIGHT, WIDTH, 1))
    error[0, 3, 4] = 2.0
    assert energy.data_term(error, 0 * error) == pytest.approx(0.25 * 4 + 4 * 4)
    assert energy.data_term(0 * error + 2.0, 0 * error) == pytest.approx(0.25 * 4 * HEIGHT * WIDTH)
    error[:] = 0
    error[0, -1, -1] = 2.0  # the corner has one difference per direction
    assert energy.data_term(error, 0 * error) == pytest.approx(0.25 * 4 + 2 * 4)


@pytest.mark.parametrize("forward, backward, gap", [((2, 1), (-2, -1), 0.0), ((0, 0), (0, 0), 0.1)])
def test_temporal_term_reads_along_the_flow(forward, backward, gap):
    """A ramp that moves with the flow costs nothing; a still one costs its change, over the 6 pairs of 3 frames."""
    i, y, x = np.mgrid[:FRAMES, :HEIGHT, :WIDTH]
    ramp = 0.01 * (3 * (x - forward[0] * i) + 2 * (y - forward[1] * i))[..., None] + gap * i[..., None]
    cost = energy.temporal_term(ramp, constant_flow(forward, backward))
    steps = 4 * 1 + 2 * 2  # four pairs are one frame apart, two pairs are two apart
    assert cost == pytest.approx(gap * steps * HEIGHT * WIDTH, abs=1e-12)
    masks = {n: np.zeros((FRAMES, HEIGHT, WIDTH)) for n in energy.NEIGHBOURS}
    assert energy.temporal_term(ramp + i[..., None], constant_flow(forward, backward), masks) == 0.0


def test_two_steps_compose_by_reading_the_second_flow_at_the_first():
    flow = np.zeros((FRAMES, 2, HEIGHT, WIDTH, 2))
    flow[0, 0] = (1.5, 0.0)
    flow[1, 0, ..., 0] = np.arange(WIDTH) / 10
    np.testing.assert_allclose(energy.displacement(flow, 0, 2, 3, 2), (1.5 + 0.35, 0.0))
    np.testing.assert_allclose(energy.displacement(flow, 0, 2, 3, 8), (1.5 + 0.8, 0.0))  # clamped to the edge


def test_total_variation_is_joint_over_derivatives_and_channels():
    _, y, x = np.mgrid[:1, :HEIGHT, :WIDTH]
    ramp = np.stack([3.0 * x, 4.0 * y, 12.0 * x], -1)
    inner, right, bottom = (HEIGHT - 1) * (WIDTH - 1) * 13, (HEIGHT - 1) * 4, (WIDTH - 1) * np.hypot(3, 12)
    assert energy.total_variation(ramp) == pytest.approx(inner + right + bottom)
    assert energy.total_variation(ramp, np.full((1, HEIGHT, WIDTH), 0.5)) == pytest.approx((inner + right + bottom) / 2)
    flow = np.zeros((1, 2, HEIGHT, WIDTH, 2))
    flow[:, 0], flow[:, 1] = ramp[..., :2], ramp[..., 1:]
    apart = energy.total_variation(ramp[..., :2]) + energy.total_variation(ramp[..., 1:])
    assert energy.flow_variation(flow, np.ones((1, HEIGHT, WIDTH))) == pytest.approx(apart)


@pytest.mark.parametrize(
    "channels, slope, zeta", [(1, 0.1, np.exp(-1)), (3, 0.1, np.exp(-1)), (1, 1.0, 1e-3), (1, 0, 1)]
)
def test_edge_map(channels, slope, zeta):
    ramp = np.broadcast_to(slope * np.arange(WIDTH)[:, None], (1, HEIGHT, WIDTH, channels))
    result = energy.edge_map(ramp, 0.01)
    np.testing.assert_allclose(result[:, :, :-1], zeta)
    np.testing.assert_allclose(result[:, :, -1], 1.0)


def test_total_energy_weighs_its_terms():
    latent, flow, tau = random_problem(channels=3)
    defocus, blurred = latent[..., 0], blur.motion_blur_linear(latent, flow, tau, 2)
    zeta = energy.edge_map(latent, 0.1)
    terms = (energy.data_term(blurred, latent), energy.temporal_term(latent, flow))
    terms += (energy.flow_variation(flow, zeta), energy.total_variation(defocus, zeta))
    for k, weights in enumerate(np.eye(4)):
        total = energy.total_energy(latent, flow, defocus, blurred, latent, zeta, 7 * weights)
        assert total == pytest.approx(energy.total_variation(latent) + 7 * terms[k])


@pytest.mark.parametrize(
    "groups, expected", [(None, [1.0, 0.5, -1.0]), ([0, 0, 1], [3 / 9.25**0.5, 0.5 / 9.25**0.5, -1.0])]
)
def test_projection(groups, expected):
    np.testing.assert_allclose(solvers.project(np.array([3.0, 0.5, -2.0]), groups), expected)


def test_latent_step_converges_to_the_minimum_of_the_lasso():
    """With A = I, D = 0 and M = I, Eq. (9) is lambda |L - b|^2 + |L|_1: a shrinkage by 1 / (2 lambda)."""
    identity, b = np.eye(4), np.array([1.0, 0.1, -0.6, 0.25])
    latent = s = q = np.zeros(4)
    for _ in range(400):
        latent, s, q = solvers.latent_step(latent, s, q, identity, 0 * identity, identity, b, 2.0, 1.0, 0.5, 0.5)
    np.testing.assert_allclose(latent, [0.75, 0.0, -0.35, 0.0], atol=1e-6)


def test_linearised_step_is_the_printed_update():
    A, W = solvers.difference_matrix(1, 3), np.diag([1.0, 0.5, 1.0, 1.0, 1.0, 1.0])
    variable, gradient = np.array([0.0, 1.0, 5.0]), np.array([1.0, 0.0, -1.0])
    np.testing.assert_allclose(A @ variable, [1, 4, 0, 0, 0, 0])
    moved, dual = solvers.linearised_step(variable, np.zeros(6), gradient, A, W, 2.0, 0.1, 0.01)
    np.testing.assert_allclose(dual, [0.2, 0.4, 0, 0, 0, 0])  # 0.1 * 2 * (1, 4 / 2)
    np.testing.assert_allclose(moved, [0 + 0.004 - 0.01, 1 - 0.004 + 0.004, 5 - 0.004 + 0.01])


def test_finite_difference_is_exact_for_a_quadratic():
    def rho(u):
        return 3 * u[..., 0] ** 2 + u[..., 0] * u[..., 1] - u[..., 1]

    u = np.random.default_rng(0).standard_normal((HEIGHT, WIDTH, 2))
    expected = np.stack([6 * u[..., 0] + u[..., 1], u[..., 0] - 1], -1)
    np.testing.assert_allclose(solvers.finite_difference(rho, u), expected, atol=1e-12)


def test_cross_check_finds_the_flow_that_does_not_return():
    flow = constant_flow((1, 0), (-1, 0)).copy()
    flow[1, 1, 2, 5] = (3, 0)
    agree = post_filter.cross_check(flow)
    assert not agree[1][0, 2, 4] and agree[1][0].sum() == HEIGHT * WIDTH - 1
    assert not agree[-1][1, 2, 5] and agree[-1][1].sum() == HEIGHT * WIDTH - 1
    assert not agree[1][2].any() and agree[2][0].sum() >= HEIGHT * WIDTH - 2


def test_post_filter_keeps_constants_and_averages_equals():
    _, flow, _ = random_problem()
    constant = np.full((2, 4, 5, 1), 0.4)
    np.testing.assert_allclose(post_filter.post_filter(constant, flow[:2, :, :4, :5]), 0.4)
    # Constant frames of two levels, still: nine reads of each with weights 1 and o exp(-25 d^2 / (2 sigma_w^2)).
    latent = constant + 0.02 * np.arange(2)[:, None, None, None]
    still = np.zeros((2, 2, 4, 5, 2))
    for seen, o in ((True, 1.0), (False, 0.01)):
        weight = o * np.exp(-25 * 0.02**2 / (2 * (25 / 255) ** 2))
        visible = {n: np.full((2, 4, 5), seen) for n in energy.NEIGHBOURS}
        filtered = post_filter.post_filter(latent, still, visible=visible)
        np.testing.assert_allclose(filtered[0], 0.4 + 0.02 * weight / (1 + weight))
