"""Temporal warps: composed flows (Fig. 9) and reads of neighbouring frames, L_{i+n}(x + u_{i->i+n}) of Eq. (5).

Both directions are read at once, in the order of the flow: the next frame, then the previous one.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.ops.platform import placed
from gvd_jax.ops.sampling import pixel_grid, sample

DISTANCES = (1, 2)
NEIGHBOURS = (1, -1, 2, -2)  # n of Eq. (5), distance by distance; n = 0 is vacuous


def neighbour_index(frames: int, n: int) -> jax.Array:
    """Frame i + n clamped to the clip, [T]."""
    return jnp.clip(jnp.arange(frames, dtype=jnp.int32) + n, 0, frames - 1)


def one_shot(frames: int, dtype: Any = jnp.float32) -> jax.Array:
    """`continues` of a clip without a cut, [T]: every frame but the last goes on in the next one."""
    return placed(np.arange(frames) < frames - 1, dtype)


def shot_numbers(continues: jax.Array) -> jax.Array:
    """Which shot every frame belongs to, counted from 0, [T]; `continues` [T] is 0 before a cut."""
    cuts = jnp.cumsum(1 - (continues > 0).astype(jnp.int32))
    return jnp.concatenate([jnp.zeros(1, cuts.dtype), cuts[:-1]])


def same_shot(continues: jax.Array) -> jax.Array:
    """Whether two frames belong to one shot, [T, T]."""
    shot = shot_numbers(continues)
    return shot[:, None] == shot[None]


def mean_of_shots(values: jax.Array, continues: jax.Array) -> jax.Array:
    """The mean of values of frames [T] over the shot of every frame, [T]: nothing of one shot is known of another."""
    same = same_shot(continues).astype(values.dtype)
    return same @ values / same.sum(1)


def neighbour_exists(continues: jax.Array, neighbours: tuple[int, ...]) -> jax.Array:
    """Whether frame i + n belongs to the shot of frame i, [T, N]; `continues` [T] is 1 where i + 1 does, else 0."""
    frames, shot = continues.shape[0], shot_numbers(continues)
    index = jnp.arange(frames)[:, None] + jnp.asarray(neighbours)[None]
    there = shot[jnp.clip(index, 0, frames - 1)]
    return (index >= 0) & (index < frames) & (there == shot[:, None])


def has_neighbour(continues: jax.Array) -> jax.Array:
    """Whether a frame has any in its shot, bool [T]."""
    return neighbour_exists(continues, (1, -1)).any(1)


def displacements(flow: jax.Array, distance: int) -> jax.Array:
    """u_{i->i+n} for n = distance and -distance, 1 or 2, from the flow; both [T, 2, H, W, 2].

    u_{i->i+2}(x) = u_{i->i+1}(x) + u_{i+1->i+2}(x + u_{i->i+1}(x)) (Fig. 9), read bilinearly.
    """
    return flow if distance == 1 else flow + warp_fields(flow, flow, 1)


def warp(frames: jax.Array, moves: jax.Array, distance: int) -> jax.Array:
    """Read L_{i+n}(x + u_{i->i+n}) for n = distance and -distance.

    `frames` [T, H, W, C], `moves` [T, 2, H, W, 2] -> [T, 2, H, W, C].
    """
    return _read(frames, moves, _neighbours(frames.shape[0], distance))


def warp_fields(fields: jax.Array, moves: jax.Array, distance: int) -> jax.Array:
    """As `warp`, of `fields` [T, 2, H, W, C] that differ between the two directions."""
    count = fields.shape[0]
    number = 2 * _neighbours(count, distance) + jnp.arange(2, dtype=jnp.int32)[None]
    return _read(fields.reshape(2 * count, *fields.shape[2:]), moves, number)


def _neighbours(frames: int, distance: int) -> jax.Array:
    return jnp.stack([neighbour_index(frames, n) for n in (distance, -distance)], 1)


def _read(images: jax.Array, moves: jax.Array, number: jax.Array) -> jax.Array:
    """Reads of the images with the `number` [T, 2] at x + `moves`."""
    _, _, height, width, _ = moves.shape
    y, x = pixel_grid(height, width, moves.dtype)
    moves = moves.reshape(-1, height, width, 2)
    read = sample(images, number.reshape(-1), y[None] + moves[..., 1], x[None] + moves[..., 0])
    return read.reshape(*number.shape, height, width, images.shape[-1])
