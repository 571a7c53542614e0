"""The convex problems of Eqs. (9)-(17) and one iteration of their printed updates, against loops and dense matrices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.convex.norms import value
from gvd_jax.convex.pdhg import ConvexProblem, Steps, primal_step, solve, zero_duals
from gvd_jax.method.occlusion import inside
from gvd_jax.model.blur import Blur, GaussianDefocus, MotionBlur
from gvd_jax.model.energy import gvd_energy
from gvd_jax.ops.exposure import piecewise_linear_path
from gvd_jax.ops.gaussian_defocus import discrete_gaussian, variance
from gvd_jax.ops.warp import NEIGHBOURS
from gvd_jax.solve.blocks import DEFOCUS_BLOCK, FLOW_BLOCK, LATENT_BLOCK
from gvd_jax.solve.linearise import FiniteDifference, Gradient, Point, affine, quadratic
from gvd_jax.trees import replace, tree_dot
from tests.problems import random_clip
from tests.references import blur, energy, solvers

SHAPE = (3, 4, 5, 1)
SCALES = (0.0, 0.5, 1.0)
TAPS = [discrete_gaussian(step, 4) for step in (0.25, 0.75)]
BLUR = Blur((MotionBlur(piecewise_linear_path, 3), GaussianDefocus(SCALES)))
LAMBDA, MU, NU = 25.0, 2.0, {"flow": 3.0, "defocus": 1.5}
TERMS = gvd_energy(LAMBDA, MU, 1.0, NU["flow"], NU["defocus"])
BLOCKS = {block.unknown.name: block for block in (LATENT_BLOCK, FLOW_BLOCK, DEFOCUS_BLOCK)}
ETA = 0.7

pytestmark = pytest.mark.usefixtures("x64")


def problem(lowest=0.5):
    """A random clip, seen where the flow stays inside the frame, of a defocus between `lowest` and `lowest` + 0.4."""
    unknowns, observation = random_clip(SHAPE, motion=0.8, blur=BLUR)
    unknowns = replace(unknowns, defocus=lowest + unknowns.defocus / 8)
    confidence = jnp.asarray(np.random.default_rng(3).uniform(0.2, 1, SHAPE[:3]))
    seen = observation.visibility * inside(unknowns.flow, observation.continues)
    return unknowns, replace(observation, visibility=seen, confidence=confidence)


def host(tree):
    return jax.tree.map(np.asarray, tree)


def predicted(latent, v, o):
    """K G L by loops."""
    focus = blur.gaussian_defocus(latent, np.asarray(variance(jnp.asarray(v.defocus))), SCALES, TAPS)
    return blur.motion_blur(focus, v.flow, o.duty_cycle, 3, blur.linear_path)


def slopes(images):
    """Both differences at every pixel of images [N, H, W, C], [N H W, 2, C]."""
    return np.array([energy.differences(images[i], y, x) for i, y, x in np.ndindex(images.shape[:3])])


def data_rows(frames, o):
    """Whatever Eq. (4) squares, of frames that stand for K G L or for B, [T H W, 3, C]."""
    rows = np.concatenate([0.5 * frames.reshape(-1, 1, SHAPE[-1]), slopes(frames)], axis=1)
    return np.sqrt(o.confidence).reshape(-1, 1, 1) * rows


def temporal_rows(latent, v, o):
    """Whatever Eq. (5) takes the absolute value of, [T H W, N, C]. What is seen is given: it does not move with u."""
    rows = np.zeros((*SHAPE[:3], len(NEIGHBOURS), SHAPE[3]))
    for i, y, x, k in np.ndindex(rows.shape[:4]):
        n, seen = NEIGHBOURS[k], o.visibility[i, k, y, x]
        if seen > 0:
            ux, uy = energy.displacement(v.flow, i, n, y, x)
            rows[i, y, x, k] = seen * (latent[i, y, x] - blur.bilinear(latent[i + n], y + uy, x + ux))
    return rows.reshape(-1, *rows.shape[3:])


def rho(unknown, v, o):
    """Eqs. (11) and (15): what is not convex in the unknown, per pixel, [T, H, W]."""
    rows = data_rows(predicted(v.latent, v, o) - o.blurry, o)
    cost = LAMBDA * (rows**2).sum((1, 2))
    if unknown == "flow":
        cost += MU * np.abs(temporal_rows(v.latent, v, o)).sum((1, 2))
    return cost.reshape(SHAPE[:3])


def moved(unknown, v, x):
    return replace(v, **{unknown: x})


def components(unknown, x):
    """The unknown with its components last, [T, H, W, K], as Eq. (12) steps them."""
    return np.moveaxis(x, 1, 3).reshape(*SHAPE[:3], 4) if unknown == "flow" else x[..., None]


def from_components(unknown, x):
    return np.moveaxis(x.reshape(*SHAPE[:3], 2, 2), 3, 1) if unknown == "flow" else x[..., 0]


def terms_of(block):
    """Those without a dual variable, and those with one."""
    return [TERMS[name] for name in block.roles if name not in block.dual], [TERMS[name] for name in block.dual]


@partial(jax.jit, static_argnums=(0, 1))
def slope_of_rho(linearisation, unknown, unknowns, observation):
    block = BLOCKS[unknown]
    point = Point(block.unknown, unknowns, observation)
    return block.unknown.from_planes(linearisation(terms_of(block)[0], point)[1], point.value)


@pytest.mark.parametrize("unknown", ["flow", "defocus"], ids=["eq11_eq12_flow", "eq12_eq15_defocus"])
def test_finite_difference_equals_the_loop(unknown):
    """rho(x + 0.5) - rho(x - 0.5), one component everywhere at a time, the cost taken pixel by pixel."""
    clip = problem()
    v, o = host(clip)

    def cost(x):
        return rho(unknown, moved(unknown, v, from_components(unknown, x)), o)

    expected = solvers.finite_difference(cost, components(unknown, v[unknown]))
    slope = slope_of_rho(FiniteDifference(), unknown, *clip)
    np.testing.assert_allclose(slope, from_components(unknown, expected), rtol=1e-9, atol=1e-10)


def test_eq15_a_small_defocus_is_stepped_down_to_zero_only():
    """A Gaussian of -0.25 is that of 0.25: the difference as printed would have the wrong sign."""
    clip = problem(lowest=0.0)
    v, o = host(clip)
    above, below = v.defocus + 0.5, np.maximum(v.defocus - 0.5, 0)
    ends = [rho("defocus", moved("defocus", v, sigma), o) for sigma in (above, below)]
    expected = (ends[0] - ends[1]) / (above - below)
    np.testing.assert_allclose(slope_of_rho(FiniteDifference(), "defocus", *clip), expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("unknown", ["flow", "defocus"], ids=["eq11_eq12_flow", "eq12_eq15_defocus"])
def test_gradient_is_that_of_the_loops(unknown):
    clip = problem()
    v, o = host(clip)
    here, step = v[unknown], 1e-6
    direction = np.random.default_rng(1).standard_normal(here.shape)
    ends = [rho(unknown, moved(unknown, v, here + side * step * direction), o).sum() for side in (1, -1)]
    slope = np.vdot(slope_of_rho(Gradient(), unknown, *clip), direction)
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * step), rtol=1e-6)


def convex_terms(unknown, unknowns, observation, etas):
    """What is solved as it is, squares and dual terms: for the latent frames that is everything."""
    block = BLOCKS[unknown]
    point = Point(block.unknown, unknowns, observation)
    others, duals = terms_of(block)
    squares = [quadratic(term, point) for term in others] if unknown == "latent" else []
    return squares, [affine(term, eta, point) for term, eta in zip(duals, etas, strict=True)]


@partial(jax.jit, static_argnums=0)
def convex_cost(unknown, unknowns, observation, x):
    """Of these terms at x, as the solver sees them."""
    squares, duals = convex_terms(unknown, unknowns, observation, [1.0] * len(BLOCKS[unknown].dual))

    planes = BLOCKS[unknown].unknown.to_planes(x)

    def at(there, term, moved):
        return jax.tree.map(jnp.add, there, term.linear(moved))

    residuals = [at(t.residual, t, jax.tree.map(jnp.subtract, planes, t.start)) for t in squares]
    total = sum(
        t.weight * tree_dot(t.curvature, jax.tree.map(jnp.square, r)) for t, r in zip(squares, residuals, strict=True)
    )
    return total + sum(t.weight * value(t.norm, at(t.offset, t, planes)) for t in duals)


def eq9(v, o, x):
    data = (data_rows(predicted(x, v, o) - o.blurry, o) ** 2).sum()
    return LAMBDA * data + MU * np.abs(temporal_rows(x, v, o)).sum() + energy.total_variation(x)


CONVEX = {
    "eq9_latent": ("latent", eq9),
    "eq13_flow": ("flow", lambda v, o, x: NU["flow"] * energy.flow_variation(x, o.edge_map)),
    "eq16_defocus": ("defocus", lambda v, o, x: NU["defocus"] * energy.total_variation(x, o.edge_map)),
}


@pytest.mark.parametrize("name", CONVEX)
def test_convex_terms_are_exact_far_from_where_they_were_taken(name):
    """Eqs. (13) and (16) keep the total variation as it is, and Eq. (9) everything."""
    unknown, expected = CONVEX[name]
    clip = problem()
    x = np.random.default_rng(2).standard_normal(clip[0][unknown].shape)
    np.testing.assert_allclose(convex_cost(unknown, *clip, jnp.asarray(x)), expected(*host(clip), x), rtol=1e-10)


@partial(jax.jit, static_argnums=0)
def printed_iterations(unknown, unknowns, observation, linear_cost, etas, steps):
    """The unknown after the iterations, from zero duals and without a box, and the primal step that was taken."""
    squares, duals = convex_terms(unknown, unknowns, observation, etas)
    here, declared = unknowns[unknown], BLOCKS[unknown].unknown
    start = declared.to_planes(here)
    slope = declared.to_planes(jnp.broadcast_to(linear_cost, here.shape))
    convex = ConvexProblem(tuple(squares), tuple(duals), slope, -jnp.inf, jnp.inf)
    x = solve(convex, start, zero_duals(convex, start), steps).x
    return declared.from_planes(x, here), primal_step(convex, start, steps)


def dense(function, shape):
    """The matrix of a linear function of arrays of `shape`."""
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.stack([function(unit).ravel() for unit in units], axis=1)


def test_eq10_latent_update_equals_the_dense_one():
    """Two iterations as printed: without extrapolation, the prox exact. The balls of s join both differences."""
    clip = problem()
    v, o = host(clip)
    A = dense(slopes, SHAPE)
    D = dense(lambda x: temporal_rows(x, v, o), SHAPE)
    M = dense(lambda x: data_rows(predicted(x, v, o), o), SHAPE)
    b = data_rows(o.blurry, o).ravel()
    steps = Steps(relaxation=0.0, iterations=2, cg_iterations=100)
    result, epsilon = printed_iterations("latent", *clip, 0.0, (ETA, MU * ETA, MU * ETA), steps)
    latent, s, q = v.latent.ravel(), np.zeros(len(A)), np.zeros(len(D))
    for _ in range(2):
        groups = np.repeat(np.arange(len(latent)), 2)
        latent, s, q = solvers.latent_step(latent, s, q, A, D, M, b, LAMBDA, MU, ETA, epsilon, groups)
    np.testing.assert_allclose(result.ravel(), latent, rtol=1e-9)
    assert np.abs(s).max() > 0.1 and np.abs(q).max() == 1 and np.abs(latent - v.latent.ravel()).mean() > 0.01


@pytest.mark.parametrize("unknown", ["flow", "defocus"], ids=["eq14_flow", "eq17_defocus"])
def test_linearised_update_equals_the_dense_one(unknown):
    """Two iterations as printed, with any slope of rho. A ball of the flow joins its two components, a direction's."""
    clip = problem()
    v, o = host(clip)
    x, is_flow = v[unknown], unknown == "flow"
    images, count = (-1, *SHAPE[1:3], x.shape[-1] if is_flow else 1), 4 if is_flow else 2
    A = dense(lambda x: slopes(x.reshape(images)), x.shape)
    zeta = np.repeat(o.edge_map, 2, axis=0) if is_flow else o.edge_map
    W = np.diag(np.repeat(zeta.ravel(), count))
    slope = np.random.default_rng(4).standard_normal(x.shape)
    steps = Steps(relaxation=0.0, iterations=2)
    result, epsilon = printed_iterations(unknown, *clip, jnp.asarray(slope), (NU[unknown] * ETA,), steps)
    variable, dual = x.ravel(), np.zeros(len(A))
    for _ in range(2):
        groups = np.repeat(np.arange(zeta.size), count)
        variable, dual = solvers.linearised_step(variable, dual, slope.ravel(), A, W, NU[unknown], ETA, epsilon, groups)
    np.testing.assert_allclose(result.ravel(), variable, rtol=1e-9)
    assert np.abs(dual).max() > 0.1
