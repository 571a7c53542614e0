"""Temporal warps: composed flows (Fig. 9) and reads of neighbouring frames, L_{i+n}(x + u_{i->i+n}) of Eq. (5)."""

import jax
import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid, sample

NEIGHBOURS = (-2, -1, 1, 2)  # n of Eq. (5); n = 0 is vacuous


def neighbour_index(frames: int, neighbours: tuple[int, ...]) -> jax.Array:
    """Frame i + n clamped to the clip, [T, N]."""
    index = jnp.arange(frames, dtype=jnp.int32)[:, None] + jnp.asarray(neighbours, jnp.int32)
    return jnp.clip(index, 0, frames - 1)


def neighbour_exists(frames: int, neighbours: tuple[int, ...]) -> jax.Array:
    """Whether frame i + n is part of the clip, bool [T, N]."""
    index = jnp.arange(frames)[:, None] + jnp.asarray(neighbours)
    return (index >= 0) & (index < frames)


def displacement(flow: jax.Array, neighbours: tuple[int, ...] = NEIGHBOURS) -> jax.Array:
    """u_{i->i+n} for n in `neighbours` (of -2, -1, 1, 2) from the flow [T, 2, H, W, 2] to the next and previous frame.

    u_{i->i+2}(x) = u_{i->i+1}(x) + u_{i+1->i+2}(x + u_{i->i+1}(x)) (Fig. 9), read bilinearly. Returns [T, H, W, N, 2].
    """
    frames, _, height, width, _ = flow.shape
    y, x = pixel_grid(height, width, flow.dtype)
    time = jnp.arange(frames, dtype=jnp.int32)[:, None, None]

    def hop(n: int) -> jax.Array:
        direction, step = (0, 1) if n > 0 else (1, -1)
        first = flow[:, direction]
        if abs(n) == 1:
            return first
        neighbour = jnp.clip(time + step, 0, frames - 1) + jnp.zeros((1, height, width), jnp.int32)
        return first + sample(first, neighbour, y + first[..., 1], x + first[..., 0])

    return jnp.stack([hop(n) for n in neighbours], axis=3)


def warp(frames: jax.Array, move: jax.Array, neighbours: tuple[int, ...] = NEIGHBOURS) -> jax.Array:
    """Read L_{i+n}(x + u_{i->i+n}): `frames` [T, H, W, C], `move` [T, H, W, N, 2] -> [T, H, W, N, C]."""
    count, height, width, _ = frames.shape
    y, x = pixel_grid(height, width, move.dtype)
    index = neighbour_index(count, neighbours)[:, None, None, :] + jnp.zeros((1, height, width, 1), jnp.int32)
    return sample(frames, index, y[..., None] + move[..., 1], x[..., None] + move[..., 0])
