"""Do no harm: where restored neighbours do not show the same, a frame goes back towards the blurry one."""

import jax
import jax.numpy as jnp

from gvd_jax.method.boundaries import WINDOW
from gvd_jax.method.noise import noise_level
from gvd_jax.method.occlusion import inside
from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.warp import warp
from gvd_jax.shapes import Continues, Flow, Frames, Number


def blend_by_agreement(blurry: Frames, latent: Frames, flow: Flow, continues: Continues, tolerance: Number) -> Frames:
    """blurry + a (latent - blurry), with a in [0, 1] for each window of 5x5 pixels. Display values, [T, H, W, C].

    An error e of the restoration differs from frame to frame, what is there does not: two frames along the flow differ
    by 2 |e|^2 on average, and the best a (James and Stein 1961) is 1 - |e|^2 / |latent - blurry|^2. The neighbour that
    agrees more counts, for a flow may be wrong, or the point hidden, on one side only. Frames may differ by `tolerance`
    |latent - blurry|^2, and by the noise of the blurry ones, all the same.
    """
    change = jnp.square(latent - blurry).mean(-1)
    difference = jnp.square(latent[:, None] - warp(latent, flow, 1)).mean(-1)
    # Who cannot be asked disagrees.
    disagreement = jnp.where(inside(flow, continues, (1,)) > 0, difference, change[:, None]).min(1)
    change, disagreement = correlate_both(change, WINDOW), correlate_both(disagreement, WINDOW)
    noise = jax.vmap(noise_level, in_axes=-1)(blurry)
    disagreement = disagreement - jnp.square(noise).mean()
    changed = change > jnp.finfo(change.dtype).tiny ** 0.5  # of less no quotient has a derivative
    doubt = jnp.where(changed, disagreement / jnp.where(changed, change, 1), 0) - tolerance
    share = jnp.clip(1 - jnp.maximum(doubt, 0) / 2, 0, 1)
    return blurry + share[..., None] * (latent - blurry)
