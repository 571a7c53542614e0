"""How noisy the blurry frames are, and what the data term is worth then."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.model.variables import Observation
from gvd_jax.ops.filters import correlate_both
from gvd_jax.shapes import Array, Float, Scalar
from gvd_jax.trees import replace

# Along both axes, it answers neither to slopes nor to bends of an image (Immerkaer 1996); of length 1.
SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0]) / 6**0.5
TILE = 16  # pixels
FLATTEST = 0.25  # of the tiles: the others may have texture, which looks like noise
MEDIAN = 0.6745  # of |x| for a normal x of standard deviation 1


def noise_level(frames: Float[Array, "T H W"]) -> Scalar:
    """Standard deviation of the noise of `frames`, as the flattest quarter of their tiles shows it."""
    response = jnp.abs(correlate_both(frames, SECOND_DIFFERENCE))
    count, height, width = response.shape
    rows, columns = max(1, height // TILE), max(1, width // TILE)
    response = response[:, : rows * (height // rows), : columns * (width // columns)]
    tiles = response.reshape(count, rows, height // rows, columns, width // columns)
    return jnp.quantile(jnp.median(tiles, (2, 4)), FLATTEST) / MEDIAN


def data_worth(frames: Float[Array, "T H W"], model_error: Any) -> Scalar:
    """What noise leaves of the weight of the data term, in (0, 1].

    The weight of squares is the reciprocal of the variance of what the model leaves: noise and an error of its own.
    """
    return 1 / (1 + jnp.square(noise_level(frames) / model_error))


@jax.jit
def weigh_by_noise(observation: Observation, model_error: Any) -> Observation:
    """The observation of one channel, its confidence scaled by what its data term is worth."""
    worth = data_worth(observation.blurry[..., 0], model_error)
    return replace(observation, confidence=worth * observation.confidence)
