"""Linear maps between pytrees: adjoint, diagonal and operator norm."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.trees import tree_add, tree_dot

LinearMap = Callable[[Any], Any]

NEAR = 1e-3  # of the largest entry: single precision, and no more


def adjoint(linear: LinearMap, like: Any) -> LinearMap:
    """The adjoint of `linear`, whose argument has the structure and shapes of `like`."""
    transposed = jax.linear_transpose(linear, like)
    return lambda y: transposed(y)[0]


def chessboard_diagonal(operator: LinearMap, like: Any) -> Any:
    """The diagonal of a symmetric operator that joins entries with those above, below, left and right at most.

    What it joins at the same place of the last two axes, as the frames of a pixel, counts to the diagonal. Both colours
    of a chessboard over these axes are tried, one leaf after the other: what comes back on the same colour is the
    diagonal. One more trial of each leaf, under irregular signs, tells whether the operator reaches farther: then this
    is not its diagonal, and the mean of it, which prefers no entry, is returned.
    """
    leaves, structure = jax.tree.flatten(like)
    count = len(leaves)
    patterns = [_trials(leaf) for leaf in leaves]

    def probe(totals, trial):
        unit, number = trial
        masks = [
            jnp.broadcast_to(unit[k] * pattern[number], leaf.shape)
            for k, (pattern, leaf) in enumerate(zip(patterns, leaves, strict=True))
        ]
        images = jax.tree.leaves(operator(jax.tree.unflatten(structure, masks)))
        found = [mask * image for mask, image in zip(masks, images, strict=True)]
        plain = (number < 2).astype(unit.dtype)
        return tuple(
            tree_add(total, found, share) for total, share in zip(totals, (plain, 1 - plain), strict=True)
        ), None

    zero = [jnp.zeros_like(leaf) for leaf in leaves]
    units = jnp.tile(jnp.eye(count, dtype=leaves[0].dtype), (3, 1))
    # A loop, for the operator is large to compile.
    (total, again), _ = jax.lax.scan(probe, (zero, zero), (units, jnp.repeat(jnp.arange(3), count)))
    firsts = [jnp.broadcast_to(pattern[0], leaf.shape) for pattern, leaf in zip(patterns, leaves, strict=True)]
    gaps = [jnp.abs(a - first * t).max() for a, first, t in zip(again, firsts, total, strict=True)]
    near = jnp.stack(gaps).max() <= NEAR * jnp.stack([jnp.abs(t).max() for t in total]).max()
    return jax.tree.unflatten(structure, [jnp.where(near, t, t.mean()) for t in total])


def _trials(leaf: jax.Array) -> jax.Array:
    """Either colour of a chessboard over the last two axes of a leaf, and the first one under irregular signs."""
    shape = leaf.shape[-2:]
    first = (jnp.asarray(jnp.indices(shape).sum(0)) % 2 == 0).astype(leaf.dtype)
    return jnp.stack([first, 1 - first, irregular_signs(shape, leaf.dtype) * first])


def irregular_signs(shape: tuple[int, ...], dtype: Any) -> jax.Array:
    """1 and -1 in a fixed pattern without a period that an operator could share."""
    index = jnp.indices(shape)
    mixed = sum((k + 3) * index[k] * index[k] + (2 * k + 1) * index[k] * index[k - 1] for k in range(len(shape)))
    return jnp.where(jnp.asarray(mixed) % 11 < 5, 1, -1).astype(dtype) * jnp.ones(shape, dtype)


def squared_norm(linear: LinearMap, transposed: LinearMap, like: Any, iterations: int) -> jax.Array:
    """Largest eigenvalue of A'A by the power method, from below; it starts from `irregular_signs`, nearly.

    A weighted adjoint A'D, D >= 0, gives that of A'DA.
    """
    dtype = jax.tree.leaves(like)[0].dtype

    def step(_, state):
        v, _ = state
        size = jnp.sqrt(jnp.maximum(tree_dot(v, v), jnp.finfo(dtype).tiny))
        v = jax.tree.map(lambda leaf: leaf / size, v)
        w = transposed(linear(v))
        return w, tree_dot(v, w)

    def first(leaf):
        # Rising a little: a few entries of one sign might be what the operator makes 0.
        rising = jnp.arange(leaf.size, dtype=leaf.dtype).reshape(leaf.shape) / leaf.size
        return irregular_signs(leaf.shape, leaf.dtype) + rising

    start = jax.tree.map(first, like), jnp.zeros((), dtype)
    return jax.lax.fori_loop(0, iterations, step, start)[1]
