"""A learned prior of latent frames: a field of experts (Roth and Black 2005)."""

import jax
import jax.numpy as jnp

from gvd_jax.model.terms import channels
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.shapes import Array, Float, Frames
from gvd_jax.trees import pytree


@pytree
class FieldOfExperts:
    """The responses of K `filters` to every channel of the latent frames, C x [T, K, H, W]; borders are repeated.

    With a `guide` [T, H, W, 1] they answer to how a channel differs from it. Affine in the latent frames. The filters
    are traced: how an expert is weighted is in the size of its filter.
    """

    filters: Float[Array, "K h w"]
    guide: Frames | None = None

    def __call__(self, unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, ...]:
        latent = unknowns.latent if self.guide is None else unknowns.latent - self.guide
        filters = self.filters.astype(latent.dtype)[:, None]
        before, after = zip(*((size // 2, (size - 1) // 2) for size in self.filters.shape[1:]), strict=True)
        margin = [(0, 0), *zip(before, after, strict=True)]

        def responses(channel):
            padded = jnp.pad(channel, margin, mode="edge")[:, None]
            return jax.lax.conv_general_dilated(padded, filters, (1, 1), "VALID")

        return tuple(responses(channel) for channel in channels(latent))
