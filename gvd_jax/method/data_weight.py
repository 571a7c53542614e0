"""How far the blurry frames are to be believed: noise, and the clipping of the sensor."""

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.noise import noise_level
from gvd_jax.ops.filters import correlate_both
from gvd_jax.shapes import Array, Continues, Float, Frames, Number

MODEL_ERROR = 0.005  # of the blur model, display values: experiments/quality.py, rows "without_noise_weight"
BLOCK = np.full(15, 1 / 15)  # about that of a codec, but everywhere
# Of their variances: noise is told from texture by its least, and most of the error of a codec is texture that is lost.
BEYOND_NOISE, OF_CODEC = 2.0, 16.0
CLIPPED = 0.99  # display values above it say only that there was as much light or more


def data_worth(frames: Frames, continues: Continues, model_error: Number) -> Float[Array, "T"]:
    """What noise leaves of the weight of the data term, in (0, 1], for frames [T, H, W, C]; `continues` [T] is 0 before
    a cut.

    The weight of squares is the reciprocal of the variance of what the model leaves: noise and an error of its own.
    """
    noise = jax.vmap(noise_level, in_axes=(-1, None))(frames, continues)
    return 1 / (1 + jnp.square(noise / model_error).mean(0))


def codec_worth(error: Float[Array, "T"]) -> Float[Array, "T"]:
    """What the error of a codec, a standard deviation in display values, leaves of the weight of the data term."""
    return 1 / (1 + jnp.square(error / MODEL_ERROR))


def residual_worth(
    residual: Frames, noise: Float[Array, "T"], worth: Float[Array, "T"], model_error: Number
) -> Float[Array, "T H W"]:
    """What the residual of the model [T, H, W, C], display values, leaves by block of the weight of the data term,
    beside what `noise` and a codec leave, of which `worth` is left.

    Where more is missed than both explain, the model errs by more than `model_error`: the flow, the path within the
    exposure, the curve, or a codec that does not say what it lost.
    """
    known, of_codec = jnp.square(noise), MODEL_ERROR**2 * (1 / worth - 1)
    expected = BEYOND_NOISE * known + OF_CODEC * of_codec
    missed = correlate_both(jnp.square(residual).mean(-1), BLOCK) - expected[:, None, None]
    return 1 / (1 + jnp.maximum(missed, 0) / (jnp.square(model_error) + known + of_codec)[:, None, None])


def clipping_confidence(frames: Frames, clipped: Number) -> Float[Array, "T H W"]:
    """1, but `clipped` where one of the 3x3 pixels that a derivative of the residual may see is clipped."""
    near = correlate_both((frames.max(-1) >= CLIPPED).astype(frames.dtype), np.ones(3)) > 0
    return jnp.where(near, clipped, jnp.ones_like(frames[..., 0]))
