"""How noisy the blurry frames are."""

import jax.numpy as jnp
import numpy as np

from gvd_jax.method.programs import brief_jit
from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.warp import mean_of_shots
from gvd_jax.shapes import Array, Continues, Float

# Along both axes, it answers neither to slopes nor to bends of an image (Immerkaer 1996); of length 1.
SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0]) / 6**0.5
TILE = 16  # pixels
FLATTEST = 0.25  # of the tiles: the others may have texture, which looks like noise
MEDIAN = 0.6745  # of |x| for a normal x of standard deviation 1


@brief_jit
def noise_level(frames: Float[Array, "T H W"], continues: Continues) -> Float[Array, "T"]:
    """Standard deviation of the noise, as the flattest quarter of the tiles of a frame shows it, the mean over its
    shot; `continues` [T] is 0 before a cut."""
    response = jnp.abs(correlate_both(frames, SECOND_DIFFERENCE))
    count, height, width = response.shape
    rows, columns = max(1, height // TILE), max(1, width // TILE)
    response = response[:, : rows * (height // rows), : columns * (width // columns)]
    tiles = response.reshape(count, rows, height // rows, columns, width // columns)
    flattest = jnp.quantile(jnp.median(tiles, (2, 4)), FLATTEST, axis=(1, 2))
    return mean_of_shots(flattest, continues) / MEDIAN
