"""Frames as their neighbours show them: a witness of blur that does not know of it.

A frame that was restored under a wrong motion explains its own blur all the same. Those of its neighbours, seen through
the flow, do not.
"""

import jax.numpy as jnp

from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.differences import laplacian
from gvd_jax.ops.warp import warp
from gvd_jax.shapes import Array, Float, Flow, Frames, Visibility
from gvd_jax.trees import replace

HIDDEN = 1e-3  # of the share of a neighbour that sees a pixel: where neither does they count alike


def as_neighbours_show(unknowns: Unknowns, observation: Observation) -> tuple[Unknowns, Observation]:
    """The unknowns with every frame as the two next to it show it; and the blurry frames that belong to those.

    What is read between pixels is softened, and would ask for less blur: the blurry frames are softened alike. A pixel
    that neither neighbour shows is not believed.
    """
    shown, softened_by = seen_by_neighbours(unknowns.latent, unknowns.flow, observation.visibility)
    softened = observation.blurry + softened_by * laplacian(observation.blurry)
    confidence = jnp.minimum(observation.visibility[:, :2].max(1), 1) * observation.confidence
    return replace(unknowns, latent=shown), replace(observation, blurry=softened, confidence=confidence)


def seen_by_neighbours(latent: Frames, flow: Flow, visibility: Visibility) -> tuple[Frames, Float[Array, "T H W 1"]]:
    """Every frame [T, H, W, C] as the two next to it show it, the mean of those that do.

    And how much of its `laplacian` such reads between pixels add to it: half the variance by which one softens along an
    axis, f (1 - f) for a fraction f of a pixel, the mean of both axes.
    """
    exists = visibility[:, :2].max((2, 3), keepdims=True) > 0
    share = jnp.where(exists, visibility[:, :2] + HIDDEN, 0)[..., None]
    fraction = flow - jnp.floor(flow)
    softened = (fraction * (1 - fraction) / 2).mean(-1, keepdims=True)
    total = jnp.maximum(share.sum(1), HIDDEN)
    return (share * warp(latent, flow, 1)).sum(1) / total, (share * softened).sum(1) / total
