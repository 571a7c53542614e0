"""Linear maps between pytrees: adjoint, diagonal and operator norm."""

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


def chessboard_diagonal(operator: LinearMap, like: Any) -> Any:
    """The diagonal of a symmetric operator that joins entries with those above, below, left and right at most.

    Both colours of a chessboard over the last two axes are tried, one leaf after the other: what comes back on the same
    colour is the diagonal. An operator that reaches farther adds its farther entries to it.
    """
    leaves, structure = jax.tree.flatten(like)
    boards = [jnp.indices(leaf.shape[-2:]).sum(0) % 2 for leaf in leaves]

    def probe(total, trial):
        unit, colour = trial
        masks = [unit[k] * (board == colour) for k, board in enumerate(boards)]
        trials = [jnp.broadcast_to(mask, leaf.shape) for mask, leaf in zip(masks, leaves, strict=True)]
        images = jax.tree.leaves(operator(jax.tree.unflatten(structure, trials)))
        return [t + mask * image for t, mask, image in zip(total, masks, images, strict=True)], None

    units = jnp.repeat(jnp.eye(len(leaves), dtype=leaves[0].dtype), 2, axis=0)
    colours = jnp.tile(jnp.arange(2), len(leaves))
    # A loop, for the operator is large to compile.
    total, _ = jax.lax.scan(probe, [jnp.zeros_like(leaf) for leaf in leaves], (units, colours))
    return jax.tree.unflatten(structure, total)


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
