"""Defocus as the geometry of a round aperture has it: a disc whose size varies from pixel to pixel (section 2.1).

As with the Gaussian, a stack of kernels is blended linearly in the variance, which is that of a Gaussian of the same
standard deviation: a disc of radius r has r / 2 along either axis.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.ops.gaussian_defocus import blend

RADII = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # pixels of the level: standard deviations of 0 to 3; the first is none
FINER = 16  # samples per pixel along either axis of the area that a disc covers


@functools.cache
def disc(radius: float) -> np.ndarray:
    """The share of every pixel that a disc covers, a square of odd size, which sums to one."""
    size = 2 * int(np.ceil(radius)) + 1
    place = (np.arange(size * FINER) + 0.5) / FINER - size / 2
    inside = place[:, None] ** 2 + place**2 <= max(radius, 1 / FINER) ** 2
    covered = inside.reshape(size, FINER, size, FINER).sum((1, 3)).astype(float)
    return covered / covered.sum()


def _variance(taps: np.ndarray) -> float:
    """Along one axis; a disc on pixels has a little more than r^2 / 4."""
    place = np.arange(len(taps)) - len(taps) // 2
    return float((taps.sum(0) * place**2).sum())


def disc_defocus(radii: tuple[float, ...], latent: jax.Array, sigma: jax.Array) -> jax.Array:
    """The disc blur of `latent` [T, H, W, C], of standard deviation `sigma` [T, H, W] in pixels, half the radius.

    `radii` [px] are static, ascending from 0, two at least. The border is repeated. Linear in the latent.
    """
    kernels = [disc(radius) for radius in radii]
    weights = blend([_variance(kernel) for kernel in kernels], sigma)
    frames, height, width, channels = latent.shape
    images = jnp.moveaxis(latent, -1, 1).reshape(frames * channels, 1, height, width)

    def blurred(kernel):
        reach = len(kernel) // 2
        padded = jnp.pad(images, [(0, 0), (0, 0), (reach, reach), (reach, reach)], mode="edge")
        blurry = jax.lax.conv_general_dilated(padded, jnp.asarray(kernel[None, None], latent.dtype), (1, 1), "VALID")
        return jnp.moveaxis(blurry.reshape(frames, channels, height, width), 1, -1)

    parts: list[jax.Array] = [
        weight[..., None] * blurred(kernel) for weight, kernel in zip(weights, kernels, strict=True)
    ]
    return sum(parts[1:], parts[0])
