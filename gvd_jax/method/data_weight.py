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
    residual: Float[Array, "T H W"],
    noise: Float[Array, "T"],
    unsaid: Float[Array, "T"],
    usual: Number,
    model_error: Number,
) -> Float[Array, "T H W"]:
    """What a `squared_residual` of the model leaves of the weight of the data term by region.

    The model errs more there than elsewhere if it is more than `usual` times the median of the frame, and more
    than twice the noise and the `model_error`, standard deviations, explain. In frames whose codec does not say what it
    lost, where `unsaid` is 1, all that is more than noise counts.
    """
    missed = box_mean(residual, REGION)
    known, error = jnp.square(noise), jnp.square(model_error)
    usually = usual * jnp.maximum(jnp.median(missed, (1, 2)), jnp.finfo(missed.dtype).tiny)
    expected = jnp.where(unsaid > 0, known, jnp.maximum(usually, 2 * known + 4 * error))
    beyond = jnp.maximum(missed - expected[:, None, None], 0)
    return 1 / (1 + beyond / (known + error)[:, None, None])


def clipping_confidence(frames: Frames, clipped: Number) -> Float[Array, "T H W"]:
    """1, but `clipped` where one of the 3x3 pixels that a derivative of the residual may see is clipped."""
    near = correlate_both((frames.max(-1) >= CLIPPED).astype(frames.dtype), np.ones(3)) > 0
    return jnp.where(near, clipped, jnp.ones_like(frames[..., 0]))
