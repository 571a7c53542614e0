"""How noisy the blurry frames are."""

import jax.numpy as jnp
import numpy as np

from gvd_jax.method.programs import brief_jit
from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.warp import same_shot
from gvd_jax.shapes import Array, Continues, Float

# Along both axes, it answers neither to slopes nor to bends of an image (Immerkaer 1996); of length 1.
SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0]) / 6**0.5
TILE = 16  # pixels
FLATTEST = 0.25  # of the tiles: the others may have texture, which looks like noise
MEDIAN = 0.6745  # of |x| for a normal x of standard deviation 1


@brief_jit
def noise_level(frames: Float[Array, "T H W"], continues: Continues) -> Float[Array, "T"]:
    """Standard deviation of the noise of every frame, as the flattest quarter of the tiles of its shot shows it;
    `continues` [T] is 0 before a cut."""
    response = jnp.abs(correlate_both(frames, SECOND_DIFFERENCE))
    count, height, width = response.shape
    rows, columns = max(1, height // TILE), max(1, width // TILE)
    response = response[:, : rows * (height // rows), : columns * (width // columns)]
    tiles = response.reshape(count, rows, height // rows, columns, width // columns)
    medians = jnp.median(tiles, (2, 4)).reshape(count, -1)
    same = same_shot(continues)
    ordered = jnp.sort(jnp.where(same[:, :, None], medians[None], jnp.inf).reshape(count, -1), axis=1)
    # The quantile between two of the tiles of the shot, which come before those of others.
    last = same.sum(1) * medians.shape[1] - 1
    place = FLATTEST * last.astype(frames.dtype)
    whole = jnp.floor(place)
    below = whole.astype(last.dtype)
    lower, upper = (ordered[jnp.arange(count), k] for k in (below, jnp.minimum(below + 1, last)))
    return (lower + (place - whole) * (upper - lower)) / MEDIAN
