"""Conjugate gradients with a fixed number of iterations.

`jax.scipy.sparse.linalg.cg` differentiates as if it had converged; inside a primal-dual loop a few warm-started
iterations are enough and their derivative must be theirs, so the loop is a plain one that JAX unrolls.
"""

import jax
import jax.numpy as jnp

from gvd_jax.convex.linear import LinearMap


def conjugate_gradient(operator: LinearMap, right: jax.Array, start: jax.Array, iterations: int) -> jax.Array:
    """`iterations` steps towards the x with `operator(x) = right`, for a symmetric positive definite operator."""

    def step(_, state):
        x, residual, direction, energy = state
        image = operator(direction)
        curvature = jnp.vdot(direction, image)
        length = jnp.where(curvature > 0, energy / jnp.where(curvature > 0, curvature, 1), 0)
        x = x + length * direction
        residual = residual - length * image
        new_energy = jnp.vdot(residual, residual)
        direction = residual + jnp.where(energy > 0, new_energy / jnp.where(energy > 0, energy, 1), 0) * direction
        return x, residual, direction, new_energy

    residual = right - operator(start)
    state = (start, residual, residual, jnp.vdot(residual, residual))
    return jax.lax.fori_loop(0, iterations, step, state)[0]
