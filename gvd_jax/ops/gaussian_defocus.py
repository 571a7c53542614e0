"""The defocus operator G of Eq. (4): a Gaussian whose standard deviation varies from pixel to pixel.

G L = sum_q w_q(sigma(x)) (g_q * L)(x) blends a stack of Gaussian scales, linearly in the variance between neighbours.
It is linear in L, needs no gather, and each row sums to one. The scales are discrete Gaussians (Lindeberg 1990), whose
variance is exact and which form a semigroup, so each scale is reached from the one below by a short kernel.
"""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.ops.filters import correlate_both, correlate_both_adjoint
from gvd_jax.ops.linear_map import linear_map

SCALES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)  # standard deviations in pixels of the level; the first is the identity
# Near 0 the variance grows linearly, v = sigma sqrt(sigma^2 + SOFTNESS^2): sigma^2 alone has no gradient at 0.
SOFTNESS = 0.25
PERIOD = 256  # pixels: what lies so far off is nothing


def discrete_gaussian(variance: float, radius: int) -> np.ndarray:
    """Taps e^{-v} I_n(v), n = -radius..radius, normalised: the kernel of the heat equation on the grid, under which a
    wave of frequency w is left exp(v (cos w - 1))."""
    waves = np.exp(variance * (np.cos(2 * np.pi * np.fft.rfftfreq(PERIOD)) - 1))
    taps = np.fft.irfft(waves)[np.abs(np.arange(-radius, radius + 1))]
    return taps / taps.sum()


def variance(sigma: jax.Array) -> jax.Array:
    """Variance of the Gaussian that `sigma` [px] stands for; above 1 px it is sigma^2 within 3 per cent."""
    return sigma * jnp.sqrt(sigma * sigma + SOFTNESS**2)


def _increments(scales: tuple[float, ...]) -> np.ndarray:
    """One kernel per scale that leads to it from the scale below, [Q - 1, 2 r + 1]."""
    steps = np.diff(np.square(scales))
    radius = int(np.ceil(4 * np.sqrt(steps.max())))
    return np.stack([discrete_gaussian(step, radius) for step in steps])


def blend(variances: Sequence[float], sigma: jax.Array) -> jax.Array:
    """Weight of each kernel of a stack, by their ascending `variances`, [Q, *sigma.shape].

    Hat functions in the variance, constant beyond the last kernel.
    """
    v = jnp.clip(variance(sigma), 0, variances[-1])
    rising = [jnp.clip((v - low) / (high - low), 0, 1) for low, high in itertools.pairwise(variances)]
    weights = [1 - rising[0], *(r - s for r, s in itertools.pairwise(rising))]
    return jnp.stack([*weights, rising[-1]])


def _forward(scales: tuple[float, ...], weights: jax.Array, latent: jax.Array) -> jax.Array:
    taps = jnp.asarray(_increments(scales), latent.dtype)

    def next_scale(carry, inputs):
        smoothed, total = carry
        kernel, weight = inputs
        smoothed = correlate_both(smoothed, kernel)
        return (smoothed, total + weight * smoothed), None

    (_, total), _ = jax.lax.scan(next_scale, (latent, weights[0] * latent), (taps, weights[1:]))
    return total


def _adjoint(scales: tuple[float, ...], weights: jax.Array, blurry: jax.Array) -> jax.Array:
    taps = jnp.asarray(_increments(scales), blurry.dtype)

    def scale_below(total, inputs):
        kernel, weight = inputs
        return correlate_both_adjoint(total + weight * blurry, kernel), None

    total, _ = jax.lax.scan(scale_below, jnp.zeros_like(blurry), (taps, weights[1:]), reverse=True)
    return total + weights[0] * blurry


def gaussian_defocus(scales: tuple[float, ...], latent: jax.Array, sigma: jax.Array) -> jax.Array:
    """G(sigma) L of Eq. (4): `latent` [T, H, W, C], `sigma` [T, H, W] in pixels, 0 <= sigma; `scales` static, two at
    least.

    Linear in the latent, with a written adjoint.
    """
    weights = blend([scale**2 for scale in scales], sigma)[..., None]
    return linear_map(_forward, _adjoint, latent.shape, weights, latent, (scales,))
