"""How far the blurry frames are to be believed: noise, and the clipping of the sensor."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.noise import noise_level
from gvd_jax.model.variables import Observation
from gvd_jax.ops.filters import correlate_both
from gvd_jax.shapes import Array, Float, Scalar
from gvd_jax.trees import replace

CLIPPED = 0.99  # display values above it say only that there was as much light or more


def data_worth(frames: Float[Array, "T H W"], model_error: Any) -> Scalar:
    """What noise leaves of the weight of the data term, in (0, 1].

    The weight of squares is the reciprocal of the variance of what the model leaves: noise and an error of its own.
    """
    return 1 / (1 + jnp.square(noise_level(frames) / model_error))


def clipping_confidence(frames: Float[Array, "T H W"], clipped: Any) -> Float[Array, "T H W"]:
    """1, but `clipped` where one of the 3x3 pixels that a derivative of the residual may see is clipped."""
    near = correlate_both((frames >= CLIPPED).astype(frames.dtype), np.ones(3)) > 0
    return jnp.where(near, clipped, jnp.ones_like(frames))


@jax.jit
def weigh_data(observation: Observation, model_error: Any, clipped: Any) -> Observation:
    """The observation of one channel, its confidence scaled by both."""
    channel = observation.blurry[..., 0]
    weight = data_worth(channel, model_error) * clipping_confidence(channel, clipped)
    return replace(observation, confidence=weight * observation.confidence)
