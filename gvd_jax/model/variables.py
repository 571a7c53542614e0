"""The unknowns of Eq. (8) and what is observed."""

import jax.numpy as jnp

from gvd_jax.ops.warp import NEIGHBOURS
from gvd_jax.shapes import Array, DefocusMap, DutyCycle, EdgeMap, Float, Flow, Frames
from gvd_jax.trees import pytree


@pytree
class Unknowns:
    """What is solved for: latent frames in [0, 1], flow in pixels of this level, defocus (std) in pixels of this level."""

    latent: Frames
    flow: Flow
    defocus: DefocusMap


@pytree
class Observation:
    """What the energy holds fixed: blurry frames, duty cycle, edge map zeta (Eq. 7), visibility of the neighbours."""

    blurry: Frames
    duty_cycle: DutyCycle
    edge_map: EdgeMap
    visibility: Float[Array, "T H W N"]


def observe(blurry: Frames, duty_cycle: DutyCycle) -> Observation:
    """An observation with an edge map of ones and every existing neighbour visible."""
    from gvd_jax.ops.warp import neighbour_exists

    frames, height, width, _ = blurry.shape
    exists = neighbour_exists(frames).astype(blurry.dtype)[:, None, None, :]
    visibility = jnp.broadcast_to(exists, (frames, height, width, len(NEIGHBOURS)))
    edges = jnp.ones((frames, height, width), blurry.dtype)
    return Observation(blurry, jnp.broadcast_to(jnp.asarray(duty_cycle, blurry.dtype), (frames,)), edges, visibility)
