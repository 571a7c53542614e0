"""Temporal warps: composed flows (Fig. 9) and reads of neighbouring frames, L_{i+n}(x + u_{i->i+n}) of Eq. (5)."""

import jax
import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid, sample

NEIGHBOURS = (-2, -1, 1, 2)  # n of Eq. (5); n = 0 is vacuous


def neighbour_index(frames: int, n: int) -> jax.Array:
    """Frame i + n clamped to the clip, [T]."""
    return jnp.clip(jnp.arange(frames, dtype=jnp.int32) + n, 0, frames - 1)


def neighbour_exists(frames: int, neighbours: tuple[int, ...]) -> jax.Array:
    """Whether frame i + n is part of the clip, bool [T, N]."""
    index = jnp.arange(frames)[:, None] + jnp.asarray(neighbours)
    return (index >= 0) & (index < frames)


def displacement(flow: jax.Array, n: int) -> jax.Array:
    """u_{i->i+n} for n of -2, -1, 1, 2 from the flow [T, 2, H, W, 2] to the next and previous frame, [T, H, W, 2].

    u_{i->i+2}(x) = u_{i->i+1}(x) + u_{i+1->i+2}(x + u_{i->i+1}(x)) (Fig. 9), read bilinearly.
    """
    first = flow[:, 0 if n > 0 else 1]
    return first if abs(n) == 1 else first + warp(first, first, n // 2)


def warp(frames: jax.Array, move: jax.Array, n: int) -> jax.Array:
    """Read L_{i+n}(x + u_{i->i+n}): `frames` [T, H, W, C], `move` [T, H, W, 2] -> [T, H, W, C]."""
    count, height, width, _ = frames.shape
    y, x = pixel_grid(height, width, move.dtype)
    return sample(frames, neighbour_index(count, n), y + move[..., 1], x + move[..., 0])
