"""Camera curves: blur adds up in linear light, files hold display values. And the luma of both."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gvd_jax.shapes import Array, Float, Frames
from gvd_jax.trees import pytree, static

LUMA = (0.299, 0.587, 0.114)  # BT.601


def luma(frames: Frames) -> Float[Array, "T H W 1"]:
    """One channel: the frames themselves if gray, their BT.601 luma if RGB."""
    if frames.shape[-1] == 1:
        return frames
    return (frames * jnp.asarray(LUMA, frames.dtype)[None, None, None]).sum(-1, keepdims=True)


def identity(x: jax.Array) -> jax.Array:
    """No curve."""
    return x


def _srgb_to_linear(x: jax.Array) -> jax.Array:
    return jnp.where(x <= 0.04045, x / 12.92, ((jnp.maximum(x, 0.04045) + 0.055) / 1.055) ** 2.4)


def _srgb_to_display(x: jax.Array) -> jax.Array:
    return jnp.where(x <= 0.0031308, 12.92 * x, 1.055 * jnp.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055)


def _gamma22_to_linear(x: jax.Array) -> jax.Array:
    return jnp.maximum(x, 0.0) ** 2.2


def _gamma22_to_display(x: jax.Array) -> jax.Array:
    return jnp.maximum(x, 1e-8) ** (1 / 2.2)  # the curve is infinitely steep at 0


@pytree
class Transfer:
    """A camera curve: display values in [0, 1] to linear light in [0, 1] and back."""

    name: str = static()
    to_linear: Callable[[jax.Array], jax.Array] = static()
    to_display: Callable[[jax.Array], jax.Array] = static()

    def slope(self, display: jax.Array) -> jax.Array:
        """The derivative of `to_linear`."""
        return jax.jvp(self.to_linear, (display,), (jnp.ones_like(display),))[1]

    def gray(self, display: Frames) -> Float[Array, "T H W 1"]:
        """Display values of the luma of the light, under which a blur of the colours is a blur of the gray."""
        return self.to_display(luma(self.to_linear(display)))


NONE = Transfer("none", identity, identity)
SRGB = Transfer("srgb", _srgb_to_linear, _srgb_to_display)
GAMMA22 = Transfer("gamma22", _gamma22_to_linear, _gamma22_to_display)
TRANSFERS = (NONE, GAMMA22, SRGB)
