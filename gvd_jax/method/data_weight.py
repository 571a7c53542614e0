"""How far the blurry frames are to be believed: noise, and the clipping of the sensor."""

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.noise import noise_level
from gvd_jax.ops.filters import box_mean, correlate_both
from gvd_jax.shapes import Array, Continues, Float, Frames, HostArray, Number

MODEL_ERROR = 0.005  # of the blur model, display values: experiments/quality.py, rows "without_noise_weight"
REGION = 15  # pixels a side, about the block of a codec, but everywhere
CLIPPED = 0.99  # display values above it say only that there was as much light or more


def data_worth(frames: Frames, continues: Continues, model_error: Number) -> Float[Array, "T"]:
    """What noise leaves of the weight of the data term, in (0, 1], for frames [T, H, W, C]; `continues` [T] is 0 before
    a cut.

    The weight of squares is the reciprocal of the variance of what the model leaves: noise and an error of its own.
    """
    noise = jax.vmap(noise_level, in_axes=(-1, None))(frames, continues)
    return 1 / (1 + jnp.square(noise / model_error).mean(0))


def codec_worth(error: HostArray) -> HostArray:
    """What the error of a codec, [T] standard deviations in display values, leaves of the weight of the data term."""
    return 1 / (1 + np.square(error / MODEL_ERROR))


def codec_variance(worth: Float[Array, "T"]) -> Float[Array, "T"]:
    """The squared error of a codec that leaves so much of the weight: `codec_worth`."""
    return MODEL_ERROR**2 * (1 / worth - 1)


def squared_residual(blurry: Frames, reblurred: Frames, trust: Float[Array, "T H W"]) -> Float[Array, "T H W"]:
    """That of the model, display values [T, H, W, C], the mean of the channels. What is clipped says nothing, nor does
    what does not show the scene: `trust`, as that of `Problem`."""
    asked = (blurry < CLIPPED) & (trust > 0)[..., None]
    return jnp.where(asked, jnp.square(reblurred - blurry), 0).mean(-1)


def residual_worth(
    residual: Float[Array, "T H W"], noise: Float[Array, "T"], model_error: Number
) -> Float[Array, "T H W"]:
    """What a `squared_residual` of the model leaves of the weight of the data term by region, as far as it is more than
    the `noise`."""
    error = box_mean(residual, REGION) - jnp.square(noise)[:, None, None]
    return 1 / (1 + jnp.maximum(error, 0) / jnp.square(model_error))


def clipping_confidence(frames: Frames, clipped: Number) -> Float[Array, "T H W"]:
    """1, but `clipped` where one of the 3x3 pixels that a derivative of the residual may see is clipped."""
    near = correlate_both((frames.max(-1) >= CLIPPED).astype(frames.dtype), np.ones(3)) > 0
    return jnp.where(near, clipped, jnp.ones_like(frames[..., 0]))
