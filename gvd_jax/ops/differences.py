"""Spatial differences: forward, and the Laplacian."""

import jax
import jax.numpy as jnp

from gvd_jax.shapes import Frames


def forward_difference(x: jax.Array, axis: int) -> jax.Array:
    """`x[j + 1] - x[j]` along `axis`, zero at the last sample (Neumann boundary). Same shape as `x`."""
    size = x.shape[axis]
    padding = [(0, 0)] * x.ndim
    padding[axis] = (0, 1)
    ahead = jax.lax.slice_in_dim(x, 1, None, axis=axis)
    return jnp.pad(ahead - jax.lax.slice_in_dim(x, 0, size - 1, axis=axis), padding)


def image_gradient(x: jax.Array, height_axis: int) -> tuple[jax.Array, jax.Array]:
    """Horizontal and vertical forward differences; the rows are `height_axis`, the columns the axis behind it."""
    return forward_difference(x, height_axis + 1), forward_difference(x, height_axis)


def laplacian(frames: Frames) -> Frames:
    """The four neighbours of every pixel less four times itself; beyond the border pixels repeat. [T, H, W, C]."""
    padded = jnp.pad(frames, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    beside = padded[:, 1:-1, 2:] + padded[:, 1:-1, :-2] + padded[:, 2:, 1:-1] + padded[:, :-2, 1:-1]
    return beside - 4 * frames
