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


def squared_norm(linear: LinearMap, transposed: LinearMap, like: Any, iterations: int) -> jax.Array:
    """Largest eigenvalue of A'A by the power method, from below; the start is noise of a fixed seed.

    A weighted adjoint A'D, D >= 0, gives that of A'DA.
    """
    leaves, structure = jax.tree.flatten(like)
    keys = jax.random.split(jax.random.key(0), len(leaves))
    noise = [jax.random.normal(key, leaf.shape, leaf.dtype) for key, leaf in zip(keys, leaves, strict=True)]
    dtype = leaves[0].dtype

    def step(_, state):
        v, _ = state
        size = jnp.sqrt(jnp.maximum(tree_dot(v, v), jnp.finfo(dtype).tiny))
        v = jax.tree.map(lambda leaf: leaf / size, v)
        w = transposed(linear(v))
        return w, tree_dot(v, w)

    start = (jax.tree.unflatten(structure, noise), jnp.zeros((), dtype))
    return jax.lax.fori_loop(0, iterations, step, start)[1]
