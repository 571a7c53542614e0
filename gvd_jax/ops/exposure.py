"""Where the pixels of a blurry frame have read the latent one: paths, and how finely they are sampled.

A point seen at x at mid-exposure is at x + d(t) at time t, so the blurry pixel x has seen L(x - d(t)) for t in
[-tau, tau] ("u at x" approximation). Both kernels are paths linear in the two flows, d(t) = a(t) u_f + b(t) u_b,
sampled uniformly in time: nothing is divided by |u|, and zero flow gives exactly the identity.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.ops.sampling import Corners, corners, pixel_grid
from gvd_jax.trees import pytree

Path = Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def piecewise_linear_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eq. (3): straight to tau u_f on one side and to tau u_b on the other."""
    return jnp.maximum(t, 0), jnp.maximum(-t, 0)


def quadratic_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The parabola through u_b at t = -1, 0 at t = 0 and u_f at t = 1: d(t) = t (u_f - u_b)/2 + t^2 (u_f + u_b)/2."""
    return (t + t * t) / 2, (t * t - t) / 2


@pytree
class Pixels:
    """Pixels as flat lists, for an index that must be split into rows and columns is not vectorised.

    Where each is, its two flows in x and y, and of the frame of each its number and tau.
    """

    y: jax.Array
    x: jax.Array
    forward: tuple[jax.Array, jax.Array]
    backward: tuple[jax.Array, jax.Array]
    frame: jax.Array
    duty_cycle: jax.Array


def all_pixels(flow: jax.Array, duty_cycle: jax.Array) -> Pixels:
    """Those of all frames: the flows [T, H W], the places [H W], what belongs to a frame [T, 1]."""
    frames, _, height, width, _ = flow.shape
    parts = [flow[:, k, :, :, axis].reshape(frames, -1) for k in (0, 1) for axis in (0, 1)]
    grid = [coordinate.reshape(-1) for coordinate in pixel_grid(height, width, flow.dtype)]
    y, x, fx, fy, bx, by = jax.lax.optimization_barrier((*grid, *parts))
    return Pixels(y, x, (fx, fy), (bx, by), jnp.arange(frames, dtype=jnp.int32)[:, None], duty_cycle[:, None])


def exposure(samples: int, k: jax.Array | int, dtype: Any) -> tuple[jax.Array, jax.Array]:
    """Part of tau, in [-1, 1], and trapezoid weight of the k-th of the 2 `samples` reads besides that at mid-exposure.

    Finite also without samples, when there is no such read.
    """
    number = jnp.where(k < samples, k - samples, k - samples + 1)
    weight = jnp.where(jnp.abs(number) == samples, 0.5, 1.0) / max(2 * samples, 1)
    return (number / max(samples, 1)).astype(dtype), weight.astype(dtype)


def middle_weight(samples: int) -> float:
    """Weight of the pixel itself, at mid-exposure."""
    return 1 / (2 * samples) if samples else 1.0


def read_place(
    path: Path, samples: int, pixels: Pixels, height: int, width: int, k: jax.Array | int
) -> tuple[Corners, jax.Array]:
    """Where the k-th read of the pixels is, and its weight."""
    s, weight = exposure(samples, k, pixels.x.dtype)
    a, b = path(s * pixels.duty_cycle)
    (fx, fy), (bx, by) = pixels.forward, pixels.backward
    y, x = pixels.y[None] - (a * fy + b * by), pixels.x[None] - (a * fx + b * bx)
    return corners(height, width, pixels.frame, y, x), weight
