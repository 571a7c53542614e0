"""A learned prior of latent frames: a field of experts (Roth and Black 2005)."""

import jax
import jax.numpy as jnp

from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import channels
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.shapes import Array, Float
from gvd_jax.trees import pytree, static


@pytree
class FieldOfExperts:
    """The responses of K `filters` to every channel of the latent frames, C x [T, K, H, W]; borders are repeated.

    Those `under_gray` answer to how a channel differs from the gray frames restored so far, `unknowns.gray`. Affine in
    the latent frames. The filters are traced: how an expert is weighted is in the size of its filter.
    """

    filters: Float[Array, "K h w"]
    under_gray: bool = static(default=False)

    def __call__(self, unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, ...]:
        latent = unknowns.latent - unknowns.gray if self.under_gray else unknowns.latent
        filters = self.filters.astype(latent.dtype)[:, None]
        before, after = zip(*((size // 2, (size - 1) // 2) for size in self.filters.shape[1:]), strict=True)
        margin = [(0, 0), *zip(before, after, strict=True)]

        def responses(channel):
            padded = jnp.pad(channel, margin, mode="edge")[:, None]
            return jax.lax.conv_general_dilated(padded, filters, (1, 1), "VALID")

        return tuple(responses(channel) for channel in channels(latent))
