"""Conjugate gradients with a fixed number of iterations.

`jax.scipy.sparse.linalg.cg` differentiates as if it had converged; inside a primal-dual loop a few warm-started
iterations are enough and their derivative must be theirs, so the loop is a plain one that JAX unrolls.
"""

from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.linear import LinearMap
from gvd_jax.trees import tree_add, tree_dot


def conjugate_gradient(
    operator: LinearMap, residual: Any, start: Any, iterations: int, precondition: LinearMap = lambda residual: residual
) -> tuple[Any, Any]:
    """`iterations` steps from `start`, whose `residual` is right - operator(start), for a positive definite operator.

    Returns the x that is nearer to operator(x) = right, and its residual. Points are pytrees of arrays. `precondition`
    is positive definite too, and near the inverse of the operator.
    """

    def step(_, state):
        x, residual, direction, energy = state
        image = operator(direction)
        curvature = tree_dot(direction, image)
        length = _quotient(energy, curvature)
        x = tree_add(x, direction, length)
        residual = tree_add(residual, image, -length)
        downhill = precondition(residual)
        new_energy = tree_dot(residual, downhill)
        return x, residual, tree_add(downhill, direction, _quotient(new_energy, energy)), new_energy

    downhill = precondition(residual)
    state = (start, residual, downhill, tree_dot(residual, downhill))
    x, residual, _, _ = jax.lax.fori_loop(0, iterations, step, state)
    return x, residual


def _quotient(above: jax.Array, below: jax.Array) -> jax.Array:
    """0 where the solve has arrived: the derivative of a quotient by next to nothing is no number."""
    there = below > jnp.finfo(below.dtype).tiny ** 0.5
    return jnp.where(there, above / jnp.where(there, below, 1), 0)
