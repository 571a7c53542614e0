"""Temporal warps: composed flows (Fig. 9) and reads of neighbouring frames, L_{i+n}(x + u_{i->i+n}) of Eq. (5)."""

import jax
import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid, sample

NEIGHBOURS = (-2, -1, 1, 2)  # n of Eq. (5); n = 0 is vacuous


def neighbour_index(frames: int) -> jax.Array:
    """Frame i + n clamped to the clip, [T, N]."""
    index = jnp.arange(frames, dtype=jnp.int32)[:, None] + jnp.asarray(NEIGHBOURS, jnp.int32)
    return jnp.clip(index, 0, frames - 1)


def neighbour_exists(frames: int) -> jax.Array:
    """Whether frame i + n is part of the clip, bool [T, N]."""
    index = jnp.arange(frames)[:, None] + jnp.asarray(NEIGHBOURS)
    return (index >= 0) & (index < frames)


def compose(flow: jax.Array) -> jax.Array:
    """Displacements u_{i->i+n} for n in NEIGHBOURS from the flow [T, 2, H, W, 2] to the next and previous frame.

    u_{i->i+2}(x) = u_{i->i+1}(x) + u_{i+1->i+2}(x + u_{i->i+1}(x)) (Fig. 9), read bilinearly. Returns [T, H, W, N, 2].
    """
    frames, _, height, width, _ = flow.shape
    y, x = pixel_grid(height, width, flow.dtype)
    time = jnp.arange(frames, dtype=jnp.int32)[:, None, None]

    def two_hops(direction: int, step: int) -> jax.Array:
        first = flow[:, direction]
        neighbour = jnp.clip(time + step, 0, frames - 1) + jnp.zeros((1, height, width), jnp.int32)
        return first + sample(first, neighbour, y + first[..., 1], x + first[..., 0])

    hops = (two_hops(1, -1), flow[:, 1], flow[:, 0], two_hops(0, 1))
    return jnp.stack(hops, axis=3)


def warp(frames: jax.Array, displacement: jax.Array) -> jax.Array:
    """Read L_{i+n}(x + u) for every neighbour: `frames` [T, H, W, C], `displacement` [T, H, W, N, 2] -> [T, H, W, N, C]."""
    count, height, width, _ = frames.shape
    y, x = pixel_grid(height, width, displacement.dtype)
    index = neighbour_index(count)[:, None, None, :] + jnp.zeros((1, height, width, 1), jnp.int32)
    return sample(frames, index, y[..., None] + displacement[..., 1], x[..., None] + displacement[..., 0])
