"""The spatio-temporal post-filter of Eqs. (18)-(19): non-local means along the flow, aware of occlusion."""

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.sampling import pixel_grid, sample
from gvd_jax.ops.transfer import luma
from gvd_jax.ops.warp import DISTANCES, NEIGHBOURS, displacements, neighbour_exists, neighbour_index
from gvd_jax.shapes import Continues, Flow, Frames, Number, Visibility

WINDOW = 1  # y in a 3x3 window around x + u
PATCH = np.ones(5)  # patches of 5x5


def post_filter(
    latent: Frames, flow: Flow, visibility: Visibility, continues: Continues, sigma: Number, occluded: Number
) -> Frames:
    """Average every pixel with the 3x3 windows at its place in frames i - 2 ... i + 2, weighted by patch likeness.

    w = o exp(-|P(x) - P(y)|^2 / (2 sigma^2)), the squared distance summed over 5x5 patches of the luma; o is 1 where
    the neighbour is visible and `occluded` elsewhere (Eq. 19). Neighbour patches are read along the flow at x.
    """
    frames, height, width, _ = latent.shape
    gray = luma(latent)
    y, x = (place[None] for place in pixel_grid(height, width, latent.dtype))
    neighbours = (*NEIGHBOURS, 0)
    still = jnp.zeros_like(flow[:, :1])
    move = jnp.concatenate([*(displacements(flow, distance) for distance in DISTANCES), still], 1)
    exists = neighbour_exists(continues, NEIGHBOURS)[:, :, None, None]
    weight = jnp.where(exists, jnp.where(visibility > 0, 1.0, occluded), 0.0)
    weight = jnp.concatenate([weight, jnp.ones_like(weight[:, :1])], axis=1).astype(latent.dtype)
    index = jnp.stack([neighbour_index(frames, n) for n in neighbours])
    side = 2 * WINDOW + 1

    def add(k, totals):
        value, mass = totals
        n, offset = k // side**2, k % side**2
        dy, dx = offset // side - WINDOW, offset % side - WINDOW
        shift = move[:, n]
        read = sample(jnp.concatenate([latent, gray], -1), index[n], y + shift[..., 1] + dy, x + shift[..., 0] + dx)
        distance = correlate_both(jnp.square(read[..., -1] - gray[..., 0]), PATCH)
        w = weight[:, n] * jnp.exp(-distance / (2 * sigma**2))
        return value + w[..., None] * read[..., :-1], mass + w

    start = (jnp.zeros_like(latent), jnp.zeros_like(latent[..., 0]))
    value, mass = jax.lax.fori_loop(0, len(neighbours) * side**2, add, start)
    return value / mass[..., None]
