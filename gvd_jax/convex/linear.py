"""Linear maps between pytrees: adjoint, diagonal and operator norm."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.trees import tree_dot

LinearMap = Callable[[Any], Any]

NEAR = 1e-3  # of the largest entry: single precision, and no more


def adjoint(linear: LinearMap, like: Any) -> LinearMap:
    """The adjoint of `linear`, whose argument has the structure and shapes of `like`."""
    transposed = jax.linear_transpose(linear, like)
    return lambda y: transposed(y)[0]


def chessboard_diagonal(operator: LinearMap, like: Any) -> Any:
    """The diagonal of a symmetric operator that joins entries with their direct neighbours along any axis, at most.

    Both colours of a chessboard are tried, one leaf after the other: what comes back on the same colour is the
    diagonal. One more trial, of the first leaf under irregular signs, tells whether the operator reaches farther: then
    this is not its diagonal, and the mean of it, which prefers no entry, is returned.
    """
    leaves, structure = jax.tree.flatten(like)
    boards = [jnp.indices(leaf.shape).sum(0) % 2 if leaf.ndim else jnp.zeros((), int) for leaf in leaves]

    def probe(total, trial):
        unit, colour, plain = trial
        signs = [jnp.where(plain, 1, irregular_signs(leaf.shape, leaf.dtype)) for leaf in leaves]
        masks = [jnp.where(board == colour, unit[k] * signs[k], 0) for k, board in enumerate(boards)]
        images = jax.tree.leaves(operator(jax.tree.unflatten(structure, masks)))
        found = [mask * image for mask, image in zip(masks, images, strict=True)]
        return [t + jnp.where(plain, f, 0) for t, f in zip(total, found, strict=True)], found[0]

    units = jnp.repeat(jnp.eye(len(leaves), dtype=leaves[0].dtype), 2, axis=0)
    colours = jnp.tile(jnp.arange(2), len(leaves))
    trials = (
        jnp.concatenate([units, units[:1]]),
        jnp.append(colours, 0),
        jnp.append(jnp.ones_like(colours, bool), False),
    )
    # A loop, for the operator is large to compile.
    total, found = jax.lax.scan(probe, [jnp.zeros_like(leaf) for leaf in leaves], trials)
    near = jnp.abs(found[-1] - found[0]).max() <= NEAR * jnp.abs(found[0]).max()
    return jax.tree.unflatten(structure, [jnp.where(near, t, t.mean()) for t in total])


def irregular_signs(shape: tuple[int, ...], dtype: Any) -> jax.Array:
    """1 and -1 in a fixed pattern without a period that an operator could share."""
    index = jnp.indices(shape)
    mixed = sum((k + 3) * index[k] * index[k] + (2 * k + 1) * index[k] * index[k - 1] for k in range(len(shape)))
    return jnp.where(jnp.asarray(mixed) % 11 < 5, 1, -1).astype(dtype) * jnp.ones(shape, dtype)


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
