"""Where the pixels of a blurry frame have read the latent one: paths, and how finely they are sampled.

A point seen at x at mid-exposure is at x + d(t) at time t, so the blurry pixel x has seen L(x - d(t)) for t in
[-tau, tau] ("u at x" approximation). Both kernels are paths linear in the two flows, d(t) = a(t) u_f + b(t) u_b,
sampled uniformly in time: nothing is divided by |u|, and zero flow gives exactly the identity.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gvd_jax.ops.sampling import Corners, corners, pixel_grid
from gvd_jax.trees import pytree

Path = Callable[[jax.Array], tuple[jax.Array, jax.Array]]

SPACING = 1.8  # px between reads: bilinear ones are 2 pixels wide, and nearer ones gain less than 0.05 dB
FEWEST = 2  # reads per side, also where nothing moves


def piecewise_linear_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eq. (3): straight to tau u_f on one side and to tau u_b on the other."""
    return jnp.maximum(t, 0), jnp.maximum(-t, 0)


def quadratic_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The parabola through u_b at t = -1, 0 at t = 0 and u_f at t = 1: d(t) = t (u_f - u_b)/2 + t^2 (u_f + u_b)/2."""
    return (t + t * t) / 2, (t * t - t) / 2


@pytree
class Pixels:
    """Pixels as flat lists, for an index that must be split into rows and columns is not vectorised.

    Where each is, its two flows in x and y, and of the frame of each its number, tau and the reads per side.
    """

    y: jax.Array
    x: jax.Array
    forward: tuple[jax.Array, jax.Array]
    backward: tuple[jax.Array, jax.Array]
    frame: jax.Array
    duty_cycle: jax.Array
    count: jax.Array


def all_pixels(samples: int, flow: jax.Array, duty_cycle: jax.Array) -> Pixels:
    """Those of all frames: the flows [T, H W], the places [H W], what belongs to a frame [T, 1].

    A frame has one read per `SPACING` of its longest path, at most `samples` per side.
    """
    frames, _, height, width, _ = flow.shape
    parts = [flow[:, k, :, :, axis].reshape(frames, -1) for k in (0, 1) for axis in (0, 1)]
    grid = [coordinate.reshape(-1) for coordinate in pixel_grid(height, width, flow.dtype)]
    y, x, fx, fy, bx, by = jax.lax.optimization_barrier((*grid, *parts))
    fastest = jnp.sqrt(jnp.maximum(fx * fx + fy * fy, bx * bx + by * by).max(1))
    count = jnp.clip(jnp.ceil(duty_cycle * fastest / SPACING), min(FEWEST, samples), samples).astype(jnp.int32)
    frame = jnp.arange(frames, dtype=jnp.int32)
    return Pixels(y, x, (fx, fy), (bx, by), *(part[:, None] for part in (frame, duty_cycle, count)))


def exposure(pixels: Pixels, k: jax.Array | int) -> tuple[jax.Array, jax.Array]:
    """Part of tau, in [-1, 1], and trapezoid weight of the k-th read besides that at mid-exposure.

    Of the 2 `count` reads, -count, ..., -1, 1, ..., count; later ones weigh nothing.
    """
    count = pixels.count
    number = jnp.where(k < count, k - count, k - count + 1)
    weight = jnp.where(jnp.abs(number) < count, 1.0, 0.5) * _share(pixels)
    s = number.astype(pixels.x.dtype) / jnp.maximum(count, 1)
    return s, jnp.where(k < 2 * count, weight, 0)


def middle_weight(pixels: Pixels) -> jax.Array:
    """Weight of the pixel itself, at mid-exposure."""
    return jnp.where(pixels.count > 0, _share(pixels), 1)


def _share(pixels: Pixels) -> jax.Array:
    return 1 / jnp.maximum(2 * pixels.count, 1).astype(pixels.x.dtype)


def displacement(path: Path, pixels: Pixels, t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """d(t) in x and y."""
    a, b = path(t)
    (fx, fy), (bx, by) = pixels.forward, pixels.backward
    return a * fx + b * bx, a * fy + b * by


def read_place(path: Path, pixels: Pixels, height: int, width: int, k: jax.Array | int) -> tuple[Corners, jax.Array]:
    """Where the k-th read of the pixels is, and its weight."""
    s, weight = exposure(pixels, k)
    dx, dy = displacement(path, pixels, s * pixels.duty_cycle)
    return corners(height, width, pixels.frame, pixels.y - dy, pixels.x - dx), weight
