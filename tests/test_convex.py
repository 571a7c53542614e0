"""The convex tools on problems whose answer is known: norms and the primal-dual solver."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.convex.norms import L1, GroupL2, SquaredL2, conjugate_prox, value
from gvd_jax.convex.pdhg import AffineTerm, ConvexProblem, Steps, primal_step, solve, zero_duals
from gvd_jax.convex.quadratic import QuadraticTerm, at_pixels
from gvd_jax.ops.differences import forward_difference
from gvd_jax.trees import replace
from tests.references import solvers

NORMS = {"squared": SquaredL2(), "l1": L1(), "group": GroupL2()}
pytestmark = pytest.mark.usefixtures("x64")


def costs(norm, pair):
    """The cost of each group of a pair of arrays."""
    return sum(jax.tree.leaves(norm.cost(pair)))


@pytest.mark.parametrize("step", [0.3, 1.0])
@pytest.mark.parametrize("name", NORMS)
def test_prox_is_the_minimum_over_a_grid(name, step):
    norm, axis = NORMS[name], np.linspace(-2, 2, 401)
    grid = tuple(map(jnp.asarray, np.meshgrid(axis, axis, indexing="ij")))
    for pair in ((1.5, -0.8), (0.1, 0.2), (0.0, 0.0), (0.0, 1.2)):
        objective = costs(norm, grid) + ((grid[0] - pair[0]) ** 2 + (grid[1] - pair[1]) ** 2) / (2 * step)
        best = np.unravel_index(np.argmin(objective), objective.shape)
        near = norm.prox(tuple(map(jnp.asarray, pair)), step)
        np.testing.assert_allclose(near, axis[list(best)], atol=0.01)


@pytest.mark.parametrize("name, total", [("squared", 25.0), ("l1", 7.0), ("group", 5.0)])
def test_value(name, total):
    assert value(NORMS[name], (jnp.array([3.0]), jnp.array([-4.0]))) == total


def test_conjugate_prox_projects_as_eq10_eq14_eq17_print(rng):
    """The unit ball of the paper, scaled: the dual lives in the ball of radius `weight`."""
    dual, weight = 3 * rng.standard_normal((2, 6)), 1.7
    apart = conjugate_prox(L1(), jnp.asarray(dual.ravel()), 0.6, weight)
    np.testing.assert_allclose(apart, weight * solvers.project(dual.ravel() / weight), rtol=1e-12)
    joint = conjugate_prox(GroupL2(), tuple(jnp.asarray(dual)), 0.6, weight)
    expected = weight * solvers.project(dual.ravel() / weight, groups=[*range(6)] * 2).reshape(2, 6)
    np.testing.assert_allclose(joint, expected, rtol=1e-12)


def test_conjugate_prox_of_the_squares(rng):
    """The conjugate of w z^2 is y^2 / (4 w)."""
    dual, step, weight = jnp.asarray(rng.standard_normal(6)), 0.6, 1.7
    np.testing.assert_allclose(conjugate_prox(SquaredL2(), dual, step, weight), dual / (1 + step / (2 * weight)))


@pytest.mark.parametrize("name", NORMS)
def test_moreau_splits_every_point(rng, name):
    norm, step = NORMS[name], 0.6
    pair = tuple(jnp.asarray(rng.standard_normal((2, 6))))
    dual = conjugate_prox(norm, jax.tree.map(lambda r: r / step, pair), 1 / step, 1.0)
    for r, near, far in zip(pair, norm.prox(pair, step), dual, strict=True):
        np.testing.assert_allclose(near + step * far, r, rtol=1e-12)


@pytest.mark.parametrize("name", NORMS)
def test_curvature_majorises_and_touches(rng, name):
    """norm(z) <= norm(r) + sum q (z^2 - r^2) for every z, with one slope at r."""
    norm = NORMS[name]
    here = tuple(jnp.asarray(rng.uniform(0.01, 1, (2, 1))))
    z = tuple(jnp.asarray(rng.uniform(-2, 2, (2, 500))))
    q = norm.curvature(here)
    bound = costs(norm, here) + sum(c * (a**2 - r**2) for c, a, r in zip(q, z, here, strict=True))
    assert (costs(norm, z) <= bound + 1e-12).all()
    slope = jax.grad(partial(value, norm))(here)
    np.testing.assert_allclose(slope, [2 * c * r for c, r in zip(q, here, strict=True)], rtol=1e-12)


@pytest.mark.parametrize("norm", [L1(floor=0.1), GroupL2(floor=0.1)], ids=["l1", "group"])
def test_curvature_stops_at_the_floor(norm):
    np.testing.assert_allclose(norm.curvature(jnp.array([0.0, 0.05, -0.2])), [5.0, 5.0, 2.5])


@pytest.mark.parametrize(
    "name",
    [
        "squared",
        pytest.param("l1", marks=pytest.mark.xfail(strict=True, reason="JAX gives |x| the slope 1 at 0")),
        "group",
    ],
)
def test_norms_have_no_slope_at_zero(name):
    np.testing.assert_array_equal(jax.grad(partial(value, NORMS[name]))(jnp.zeros(3)), 0)


def difference(x):
    return forward_difference(x, 0)


def run(problem, start, steps):
    """The primal variable and the duals."""
    found = jax.jit(lambda x: solve(problem, x, zero_duals(problem, x), steps))(start)
    return found.x, found.duals


def unbounded(quadratic=(), dual=(), linear_cost=0.0):
    return ConvexProblem(quadratic, dual, linear_cost, -jnp.inf, jnp.inf)


@pytest.mark.parametrize(
    "weight, eta, levels",
    [(0.2, 2.0, (0.2 + 0.2 / 8, 0.8 - 0.2 / 12)), (0.0, 1.0, (0.2, 0.8)), (3.5, 0.175, (0.56, 0.56))],
)
def test_rof_of_two_levels(weight, eta, levels):
    """min |x - f|^2 + w TV(x): each plateau of n samples moves by w / (2 n) until they meet at the mean."""
    signal = jnp.repeat(jnp.array([0.2, 0.8]), jnp.array([4, 6]))
    data = QuadraticTerm(1.0, jnp.ones(10), jnp.zeros(10), -signal, lambda x: x)
    variation = AffineTerm(weight, eta, jnp.zeros(10), difference, L1())
    x, dual = run(unbounded((data,), (variation,)), jnp.zeros(10), Steps(iterations=400))
    np.testing.assert_allclose(x, np.repeat(levels, [4, 6]), atol=1e-4)
    assert jnp.abs(dual[0]).max() <= weight + 1e-12


def dense_problem(rng, eta=None):
    """|q^(1/2) (Q x + a)|^2 + 2 |A x + b|^2 + <g, x>, the second term dual where it has an eta, and its minimum."""
    Q, A = rng.standard_normal((5, 4)), rng.standard_normal((3, 4))
    q, a, b, g = rng.uniform(0.5, 2, 5), rng.standard_normal(5), rng.standard_normal(3), rng.standard_normal(4)
    first = QuadraticTerm(1.0, jnp.asarray(q), jnp.zeros(4), jnp.asarray(a), lambda x: jnp.asarray(Q) @ x)
    if eta is not None:
        second = AffineTerm(2.0, eta, jnp.asarray(b), lambda x: jnp.asarray(A) @ x, SquaredL2())
        problem = unbounded((first,), (second,), jnp.asarray(g))
    else:
        second = QuadraticTerm(2.0, jnp.ones(3), jnp.zeros(4), jnp.asarray(b), lambda x: jnp.asarray(A) @ x)
        problem = unbounded((first, second), (), jnp.asarray(g))
    hessian = 2 * Q.T @ (q[:, None] * Q) + 4 * A.T @ A
    return problem, np.linalg.solve(hessian, -2 * Q.T @ (q * a) - 4 * A.T @ b - g)


def test_squares_as_duals_reach_the_closed_form(rng):
    problem, minimum = dense_problem(rng, eta=0.5)
    x, _ = run(problem, jnp.zeros(4), Steps(iterations=600, cg_iterations=4))
    np.testing.assert_allclose(x, minimum, atol=1e-6)


def test_without_duals_conjugate_gradients_solve(rng):
    problem, minimum = dense_problem(rng)
    x, duals = run(problem, jnp.zeros(4), Steps(cg_iterations=4))
    np.testing.assert_allclose(x, minimum, atol=1e-8)
    assert duals == ()


def test_the_answer_is_clipped_to_its_box():
    data = QuadraticTerm(1.0, jnp.ones(3), jnp.ones(3), jnp.array([1.5, 0.5, -2.0]), lambda x: x)
    box = ConvexProblem((data,), (), 0.0, 0.0, jnp.array([1.0, 1.0, 2.0]))
    np.testing.assert_allclose(run(box, jnp.ones(3), Steps(cg_iterations=2))[0], [0.0, 0.5, 2.0], atol=1e-12)


def test_from_its_solution_and_duals_nothing_moves():
    """A warm start: the duals of the two-level signal are its integral, w at the jump."""
    signal, levels = jnp.repeat(jnp.array([0.2, 0.8]), 4), jnp.repeat(jnp.array([0.225, 0.775]), 4)
    dual = jnp.array([1, 2, 3, 4, 3, 2, 1, 0]) * 0.05
    data = QuadraticTerm(1.0, jnp.ones(8), levels, levels - signal, lambda x: x)
    problem = unbounded((data,), (AffineTerm(0.2, 10.0, jnp.zeros(8), difference, L1()),))
    found = jax.jit(lambda x, y: solve(problem, x, (y,), Steps(iterations=5)))(levels, dual)
    np.testing.assert_allclose(found.x, levels, atol=1e-12)
    np.testing.assert_allclose(found.duals[0], dual, atol=1e-12)
    np.testing.assert_allclose(found.residual, 0, atol=1e-12)
    np.testing.assert_allclose(found.saturated[0], 1 / 8)  # the jump alone


def test_the_residual_is_the_way_of_an_iteration(rng):
    """From one iteration more, and epsilon and eta w as the solver takes them; it falls to 0."""
    problem, _ = dense_problem(rng, eta=0.5)
    start, steps = jnp.zeros(4), Steps(iterations=40, cg_iterations=4)
    epsilon = primal_step(problem, start, steps)
    before, after = (solve(problem, start, zero_duals(problem, start), replace(steps, iterations=n)) for n in (3, 4))
    # A weight of 2, and eta of a half: eta w = 1.
    way = (jnp.square(after.x - before.x).sum() / epsilon, jnp.square(after.duals[0] - before.duals[0]).sum())
    residual = solve(problem, start, zero_duals(problem, start), steps).residual
    np.testing.assert_allclose(residual[3], sum(way), rtol=1e-8)
    assert residual.shape == (40,) and residual[-1] < 1e-3 * residual[0]


@pytest.mark.parametrize("etas", [(0.1, 0.1), (5.0, 5.0), (0.1, 5.0), (5.0, 0.1)])
def test_step_sizes_converge(rng, etas):
    """epsilon |A|^2 <= 1 for the stacked operators, each times the root of its eta and weight, or little less."""
    weights, operators = (2.0, 0.5), (rng.standard_normal((6, 4)), rng.standard_normal((5, 4)))
    terms = tuple(
        AffineTerm(w, eta, jnp.zeros(len(a)), lambda x, a=a: jnp.asarray(a) @ x, L1())
        for w, eta, a in zip(weights, etas, operators, strict=True)
    )
    roots = np.sqrt(np.multiply(etas, weights))
    norm = np.linalg.svd(np.concatenate([r * a for r, a in zip(roots, operators, strict=True)]))[1][0] ** 2
    epsilon = primal_step(unbounded(dual=terms), jnp.zeros(4), Steps(power_iterations=30))
    assert 0.75 < epsilon * norm <= 1


@pytest.mark.parametrize("etas", [(0.5, 0.5), (0.5, 5.0)])
def test_the_minimum_does_not_depend_on_the_steps(rng, etas):
    """Two dual terms, whose minimum a linear solve knows."""
    problem, minimum = dense_problem(rng, eta=1.0)
    (term,) = problem.dual
    halves = tuple(replace(term, weight=term.weight / 2, eta=eta) for eta in etas)
    x, _ = run(replace(problem, dual=halves), jnp.zeros(4), Steps(iterations=600, cg_iterations=4))
    np.testing.assert_allclose(x, minimum, atol=1e-6)


def test_a_weight_of_zero_beside_another_has_a_derivative():
    data = QuadraticTerm(1.0, jnp.ones(4), jnp.zeros(4), -jnp.arange(4.0), lambda x: x)

    def roughness(weight):
        terms = tuple(AffineTerm(w, 10.0, jnp.zeros(4), difference, L1()) for w in (0.1, weight))
        problem = unbounded((data,), terms)
        x = solve(problem, jnp.zeros(4), zero_duals(problem, jnp.zeros(4)), Steps(iterations=5)).x
        return jnp.abs(difference(x)).sum()

    assert jnp.isfinite(jax.grad(roughness)(0.0))


def test_terms_at_pixels_have_the_slope_and_the_hessian_of_their_sum(rng):
    """Residuals with and without a last axis, over two planes."""
    shape = (2, 3, 4)
    x, v = (tuple(jnp.asarray(rng.normal(size=shape)) for _ in range(2)) for _ in range(2))
    a, b, c = (jnp.asarray(rng.normal(size=(*shape, 3))) for _ in range(3))
    q = jnp.asarray(rng.uniform(1, 2, (*shape, 3)))
    terms = (
        QuadraticTerm(0.7, q, x, c, lambda x: a * x[0][..., None] + b * x[1][..., None]),
        QuadraticTerm(1.3, [q[..., 0]], x, [c[..., 1]], lambda x: [a[..., 0] * x[0] - b[..., 1] * x[1]]),
    )
    term = at_pixels(terms)
    for found, expected in (
        (term.start_slope, [t.start_slope for t in terms]),
        (term.curve(v), [t.curve(v) for t in terms]),
    ):
        for plane, parts in zip(found, zip(*expected, strict=True), strict=True):
            np.testing.assert_allclose(plane, sum(parts), rtol=1e-10, atol=1e-12)
