"""Linear maps between pytrees: adjoint and operator norm."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.trees import tree_dot

LinearMap = Callable[[Any], Any]


def adjoint(linear: LinearMap, like: Any) -> LinearMap:
    """The adjoint of `linear`, whose argument has the structure and shapes of `like`."""
    transposed = jax.linear_transpose(linear, like)
    return lambda y: transposed(y)[0]


def squared_norm(linear: LinearMap, transposed: LinearMap, like: jax.Array, iterations: int) -> jax.Array:
    """Largest eigenvalue of A'A by the power method, from below; the start is noise of a fixed seed."""
    start = jax.random.normal(jax.random.key(0), like.shape, like.dtype)

    def step(_, state):
        v, _ = state
        v = v / jnp.sqrt(jnp.maximum(tree_dot(v, v), jnp.finfo(v.dtype).tiny))
        w = transposed(linear(v))
        return w, tree_dot(v, w)

    return jax.lax.fori_loop(0, iterations, step, (start, jnp.zeros((), like.dtype)))[1]
