"""Fields of vectors that are affine over a frame: what a camera that turns, or moves before a distant scene, does."""

import jax
import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid
from gvd_jax.shapes import Array, Float

UNIT = 0.01  # of the width: so that the same numbers hold on every level


def affine_field(numbers: Float[Array, "T 2 3"], height: int, width: int) -> Float[Array, "T H W 2"]:
    """Vectors x and y in pixels: per component that of the middle of the frame, and what a width to the right, and a
    width down, adds; all in hundredths of the width."""
    return UNIT * width * jnp.einsum("tck,hwk->thwc", numbers, _basis(height, width, numbers.dtype))


def _basis(height: int, width: int, dtype) -> jax.Array:
    y, x = pixel_grid(height, width, dtype)
    y, x = ((place - (size - 1) / 2) / width for place, size in ((y, height), (x, width)))
    return jnp.stack([jnp.ones_like(x), x, y], -1)
