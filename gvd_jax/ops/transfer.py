"""Camera curves: blur adds up in linear light, files hold display values. And the luma of both."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gvd_jax.shapes import Array, Float, Frames, Number
from gvd_jax.trees import pytree, static

LUMA = (0.299, 0.587, 0.114)  # BT.601


def luma(frames: Frames) -> Float[Array, "T H W 1"]:
    """One channel: the frames themselves if gray, their BT.601 luma if RGB."""
    if frames.shape[-1] == 1:
        return frames
    return (frames * jnp.asarray(LUMA, frames.dtype)[None, None, None]).sum(-1, keepdims=True)


def _same(x: jax.Array, gamma: Number) -> jax.Array:
    return x


def _srgb_to_linear(x: jax.Array, gamma: Number) -> jax.Array:
    return jnp.where(x <= 0.04045, x / 12.92, ((jnp.maximum(x, 0.04045) + 0.055) / 1.055) ** 2.4)


def _srgb_to_display(x: jax.Array, gamma: Number) -> jax.Array:
    return jnp.where(x <= 0.0031308, 12.92 * x, 1.055 * jnp.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055)


def _gamma22_to_linear(x: jax.Array, gamma: Number) -> jax.Array:
    return jnp.maximum(x, 0.0) ** 2.2


def _gamma22_to_display(x: jax.Array, gamma: Number) -> jax.Array:
    return jnp.maximum(x, 1e-8) ** (1 / 2.2)  # the curve is infinitely steep at 0


TOE = 0.055  # of sRGB: the curve of a camera is not flat at black


def _power_to_linear(x: jax.Array, gamma: Number) -> jax.Array:
    dark, bright = TOE**gamma, (1 + TOE) ** gamma
    return ((jnp.maximum(x, 0.0) + TOE) ** gamma - dark) / (bright - dark)


def _power_to_display(x: jax.Array, gamma: Number) -> jax.Array:
    dark, bright = TOE**gamma, (1 + TOE) ** gamma
    return (jnp.maximum(x, 0.0) * (bright - dark) + dark) ** (1 / gamma) - TOE


@pytree
class Transfer:
    """A camera curve: display values in [0, 1] to linear light in [0, 1] and back.

    `decode` and `encode` take values and `gamma`, the power that the curve is or is near, 1 for none. It is traced.
    """

    name: str = static()
    gamma: Number
    decode: Callable[[jax.Array, Number], jax.Array] = static()
    encode: Callable[[jax.Array, Number], jax.Array] = static()

    def to_linear(self, display: jax.Array) -> jax.Array:
        """The light of display values."""
        return self.decode(display, self.gamma)

    def to_display(self, light: jax.Array) -> jax.Array:
        """Display values of the light."""
        return self.encode(light, self.gamma)

    def slope(self, display: jax.Array) -> jax.Array:
        """The derivative of `to_linear`."""
        return jax.jvp(self.to_linear, (display,), (jnp.ones_like(display),))[1]

    def gray(self, display: Frames) -> Float[Array, "T H W 1"]:
        """Display values of the luma of the light, under which a blur of the colours is a blur of the gray."""
        return self.to_display(luma(self.to_linear(display)))


NONE = Transfer("none", 1.0, _same, _same)
SRGB = Transfer("srgb", 2.4, _srgb_to_linear, _srgb_to_display)
GAMMA22 = Transfer("gamma22", 2.2, _gamma22_to_linear, _gamma22_to_display)
TRANSFERS = (NONE, GAMMA22, SRGB)


def power_transfer(gamma: Number) -> Transfer:
    """The curve of a camera by one number: a power of display values moved by `TOE`, for 2.4 nearly that of sRGB."""
    return Transfer("power", gamma, _power_to_linear, _power_to_display)
