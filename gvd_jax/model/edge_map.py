"""The edge map of Eq. (7)."""

import jax.numpy as jnp

from gvd_jax.ops.differences import image_gradient
from gvd_jax.ops.transfer import luma
from gvd_jax.shapes import EdgeMap, Frames, Scalar

FLOOR = 1e-3  # keeps the regulariser of flow and defocus alive across the strongest edge


def edge_map(latent: Frames, variance: Scalar | float) -> EdgeMap:
    """zeta(x) = exp(-|grad L0(x)|^2 / v_I), at least FLOOR; `variance` is v_I in squared intensity."""
    dx, dy = image_gradient(luma(latent)[..., 0], 1)
    return jnp.maximum(jnp.exp(-(dx * dx + dy * dy) / variance), FLOOR)
