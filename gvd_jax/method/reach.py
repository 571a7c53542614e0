"""How far the blur reaches."""

import jax.numpy as jnp

from gvd_jax.method.programs import brief_jit
from gvd_jax.shapes import Array, DutyCycle, Float, Number, Scalar

QUANTILE = 0.99  # longer paths are mistakes more often than motion
EVERY = 4  # rows and columns: a sample says as much as all


@brief_jit
def frame_reach(flow: Float[Array, "T N H W 2"], duty_cycle: DutyCycle) -> Float[Array, "T"]:
    """The longest tau |u| of every frame in pixels, mistakes aside."""
    return jnp.quantile(_lengths(flow, duty_cycle), QUANTILE, axis=(1, 2, 3))


@brief_jit
def reach(flow: Float[Array, "T N H W 2"], duty_cycle: DutyCycle | Number) -> Scalar:
    """The longest tau |u| of a clip in pixels, mistakes aside."""
    tau = jnp.broadcast_to(jnp.asarray(duty_cycle, flow.dtype), flow.shape[:1])
    return jnp.quantile(_lengths(flow, tau), QUANTILE)


def _lengths(flow: Float[Array, "T N H W 2"], duty_cycle: DutyCycle) -> Float[Array, "T N h w"]:
    squares = jnp.square(flow[:, :, ::EVERY, ::EVERY]).sum(-1)
    moves = squares > 0  # at 0 a root has no derivative
    return duty_cycle[:, None, None, None] * jnp.where(moves, jnp.sqrt(jnp.where(moves, squares, 1)), 0)
