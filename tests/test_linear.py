"""Conjugate gradients, the diagonal and the norm of operators whose matrix is known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.convex.cg import conjugate_gradient
from gvd_jax.convex.linear import adjoint, chessboard_diagonal, squared_norm
from gvd_jax.ops.differences import image_gradient

pytestmark = pytest.mark.usefixtures("x64")


def positive_definite(rng, n):
    root = rng.standard_normal((n, n))
    return root @ root.T + 0.1 * np.eye(n), rng.standard_normal(n)


def cg(operator, right, start, iterations):
    return conjugate_gradient(operator, right - operator(start), start, iterations)[0]


def test_conjugate_gradients_are_exact_after_as_many_steps_as_unknowns(rng):
    matrix, right = positive_definite(rng, 6)
    error = []
    for iterations in (0, 2, 4, 6):
        x = cg(lambda v: jnp.asarray(matrix) @ v, jnp.asarray(right), jnp.ones(6), iterations)
        error.append(x - np.linalg.solve(matrix, right))
    energies = [e @ matrix @ e for e in error]
    assert energies[0] > energies[1] > energies[2] > energies[3]
    np.testing.assert_allclose(error[-1], 0, atol=1e-8)


def test_preconditioned_conjugate_gradients_are_exact_too(rng):
    """On curvatures from 1 to 1e6 the diagonal turns a thousandth of the way into all of it."""
    matrix, right = positive_definite(rng, 6)
    scale = np.logspace(0, 3, 6)
    matrix = scale[:, None] * (np.eye(6) + 0.01 * matrix) * scale
    solution, diagonal = np.linalg.solve(matrix, right), np.diag(matrix)
    error = {}
    for name, precondition in {"plain": lambda r: r, "diagonal": lambda r: r / diagonal}.items():
        x, residual = conjugate_gradient(
            lambda v: jnp.asarray(matrix) @ v, jnp.asarray(right), jnp.zeros(6), 3, precondition
        )
        np.testing.assert_allclose(residual, right - matrix @ x, rtol=1e-6, atol=1e-9)
        error[name] = (x - solution) @ matrix @ (x - solution)
    assert error["diagonal"] < 1e-3 * error["plain"]


def test_chessboard_diagonal_is_the_diagonal(rng):
    """Of differences along both axes with weights of their own, which are joined at each pixel of two planes."""
    shape = (2, 4, 5)
    like = (jnp.zeros(shape), jnp.zeros(shape))
    weights = [jnp.asarray(rng.uniform(0.1, 9, shape)) for _ in range(3)]

    def root(v):
        along = [w * d for x in v for w, d in zip(weights[:2], image_gradient(x, 1), strict=True)]
        return *along, weights[2] * (v[0] - 2 * v[1])

    def operator(v):
        return adjoint(root, like)(root(v))

    columns = []
    for k in range(2 * like[0].size):
        unit = np.eye(2 * like[0].size)[k].reshape(2, *shape)
        columns.append(np.stack(operator((jnp.asarray(unit[0]), jnp.asarray(unit[1])))).ravel()[k])
    np.testing.assert_allclose(np.stack(chessboard_diagonal(operator, like)).ravel(), columns, rtol=1e-12)


SHAPE = (2, 5, 7)
FAR = {  # what it joins, beside every pixel with itself: two pixels apart, or over a corner, is of one colour
    "columns": lambda x: x[:, :, 2:] - x[:, :, :-2],
    "rows": lambda x: x[:, 2:] - x[:, :-2],
    "corners": lambda x: x[:, 1:, 1:] + x[:, :-1, :-1],
}


@pytest.mark.parametrize("leaf", [0, 1])
@pytest.mark.parametrize("name", FAR)
def test_a_diagonal_that_cannot_be_tried_out_is_its_mean(rng, name, leaf):
    """Of two planes one is joined so, under weights that differ; a trial gives the sum of a row's own colour."""
    weights, like = jnp.asarray(rng.uniform(1, 9, (2, *SHAPE))), jnp.zeros(SHAPE)
    far = FAR[name]

    def operator(planes):
        image = [w * v for w, v in zip(weights, planes, strict=True)]
        image[leaf] = image[leaf] + adjoint(far, like)(far(planes[leaf]))
        return tuple(image)

    units = jnp.eye(like.size).reshape(-1, *SHAPE)
    matrices = [[np.ravel(operator((unit, unit))[k]) for unit in units] for k in (0, 1)]
    colour = np.indices(SHAPE).sum(0).ravel() % 2
    rows = [(np.stack(matrix) * (colour[:, None] == colour)).sum(1) for matrix in matrices]
    assert np.abs(rows[leaf] - np.diag(matrices[leaf])).max() > 0.5  # it would be wrong
    for found, row in zip(chessboard_diagonal(operator, (like, like)), rows, strict=True):
        np.testing.assert_allclose(found, np.full(SHAPE, row.mean()), rtol=1e-12)


def test_a_number_and_a_row_have_a_diagonal_too():
    """Of unknowns of a whole clip, or of a frame."""
    for like in (jnp.zeros(()), jnp.zeros(4)):
        diagonal = chessboard_diagonal(lambda v: (3.0 * v[0] + v[1], v[0] + 3.0 * v[1]), (like, like))
        np.testing.assert_allclose(jnp.stack(diagonal), 3.0)


def test_conjugate_gradients_stay_at_the_solution(rng):
    matrix, right = positive_definite(rng, 6)
    solution = jnp.asarray(np.linalg.solve(matrix, right))
    for right_side, start in ((jnp.asarray(right), solution), (jnp.zeros(6), jnp.zeros(6))):
        x = cg(lambda v: jnp.asarray(matrix) @ v, right_side, start, 20)
        np.testing.assert_allclose(x, start, atol=1e-9)


def test_conjugate_gradients_differentiate_what_was_computed(rng):
    """Two of six steps: the derivative is that of the two steps, not of the solution."""
    matrix, right = (jnp.asarray(a) for a in positive_definite(rng, 6))
    once = jax.jit(lambda t: cg(lambda v: t * v + matrix @ v, right, 0 * right, 2)[0])
    np.testing.assert_allclose(jax.grad(once)(0.5), (once(0.5 + 1e-6) - once(0.5 - 1e-6)) / 2e-6, rtol=1e-6)


def test_squared_norm_is_the_largest_singular_value(rng):
    matrix = jnp.asarray(rng.standard_normal((6, 4)))
    largest = np.linalg.svd(matrix)[1][0] ** 2
    norms = [squared_norm(lambda v: matrix @ v, lambda y: matrix.T @ y, jnp.zeros(4), n) for n in (1, 3, 60)]
    assert norms[0] < norms[1] < norms[2] <= largest * (1 + 1e-12)
    np.testing.assert_allclose(norms[2], largest, rtol=1e-8)


def test_squared_norm_of_the_image_gradient():
    """Eigenvalues of the Neumann Laplacian are sums of 2 - 2 cos(k pi / n), one per axis."""
    image = jnp.zeros((5, 7))
    gradient = partial(image_gradient, height_axis=0)
    norm = squared_norm(gradient, adjoint(gradient, image), image, 200)
    np.testing.assert_allclose(norm, sum(2 - 2 * np.cos((n - 1) * np.pi / n) for n in (5, 7)), rtol=1e-3)
