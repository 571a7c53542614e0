"""The unknowns of Eq. (8) and what is observed."""

import jax.numpy as jnp

from gvd_jax.ops.warp import NEIGHBOURS, neighbour_exists
from gvd_jax.shapes import Array, DefocusMap, DutyCycle, EdgeMap, Float, Flow, Frames, Scalar, Visibility
from gvd_jax.trees import pytree


@pytree
class Unknowns:
    """What is solved for: latent frames, display values in [0, 1]; flow and defocus (std), pixels of this level."""

    latent: Frames
    flow: Flow
    defocus: DefocusMap


@pytree
class Observation:
    """What the energy holds fixed: blurry frames, display values; duty cycle, edge map zeta (Eq. 7), visibility of the
    neighbours.

    `confidence` in [0, 1] says how far the blur model is to be trusted at a pixel: it scales the data term.
    """

    blurry: Frames
    duty_cycle: DutyCycle
    edge_map: EdgeMap
    visibility: Visibility
    confidence: Float[Array, "T H W"]


def observe(blurry: Frames, duty_cycle: DutyCycle | Scalar | float) -> Observation:
    """An observation with an edge map of ones, every existing neighbour visible and full confidence."""
    frames, height, width, _ = blurry.shape
    exists = neighbour_exists(frames, NEIGHBOURS).astype(blurry.dtype)[:, :, None, None]
    visibility = jnp.broadcast_to(exists, (frames, len(NEIGHBOURS), height, width))
    ones = jnp.ones((frames, height, width), blurry.dtype)
    duty_cycle = jnp.broadcast_to(jnp.asarray(duty_cycle, blurry.dtype), (frames,))
    return Observation(blurry, duty_cycle, ones, visibility, ones)
