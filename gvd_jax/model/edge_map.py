"""The edge map of Eq. (7)."""

import jax.numpy as jnp

from gvd_jax.ops.differences import image_gradient
from gvd_jax.shapes import Array, EdgeMap, Float, Frames, Scalar

FLOOR = 1e-3  # keeps the regulariser of flow and defocus alive across the strongest edge
LUMA = (0.299, 0.587, 0.114)  # BT.601


def luma(frames: Frames) -> Float[Array, "T H W 1"]:
    """One channel: the frames themselves if gray, their BT.601 luma if RGB."""
    if frames.shape[-1] == 1:
        return frames
    return (frames * jnp.asarray(LUMA, frames.dtype)).sum(-1, keepdims=True)


def edge_map(latent: Frames, variance: Scalar | float) -> EdgeMap:
    """zeta(x) = exp(-|grad L0(x)|^2 / v_I), at least FLOOR; `variance` is v_I in squared intensity."""
    dx, dy = image_gradient(luma(latent)[..., 0], 1)
    return jnp.maximum(jnp.exp(-(dx * dx + dy * dy) / variance), FLOOR)
