"""Bilinear reads from a stack of frames at sub-pixel positions, and their exact adjoint.

Positions outside a frame read its nearest border pixel. Layout decides the speed: all frames are one flat list of
pixels, indices are computed once for the four corners, bounds are promised, and the adjoint adds four-corner windows of
one accumulator that is unfolded by shifts at the end (one scatter instead of four).
"""

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from gvd_jax.ops.linear_map import linear_map
from gvd_jax.trees import pytree


@pytree
class Corners:
    """Upper left pixel (flat index into the frames) and the fractions of a bilinear read."""

    index: jax.Array
    fraction_y: jax.Array
    fraction_x: jax.Array


def corners(shape: tuple[int, ...], frame: jax.Array, y: jax.Array, x: jax.Array) -> Corners:
    """Locate the four pixels around (`frame`, `y`, `x`), broadcast together, in frames of `shape` [T, H, W, ...]."""
    _, height, width, *_ = shape
    y = jnp.clip(y, 0, height - 1)
    x = jnp.clip(x, 0, width - 1)
    y0 = jnp.minimum(y.astype(jnp.int32), max(height - 2, 0))
    x0 = jnp.minimum(x.astype(jnp.int32), max(width - 2, 0))
    index = (frame * height + y0) * width + x0
    return Corners(index, y - y0, x - x0)


def _steps(shape: tuple[int, ...]) -> tuple[int, int]:
    """Flat distance to the pixel below and to the right; 0 along an axis of one pixel."""
    return (shape[2] if shape[1] > 1 else 0), (1 if shape[2] > 1 else 0)


def gather(frames: jax.Array, at: Corners) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The four corner values [..., C] of `frames` [T, H, W, C]: upper left, upper right, lower left, lower right."""
    down, right = _steps(frames.shape)
    pixels = frames.reshape(-1, frames.shape[-1])
    read = [pixels.at[at.index + step].get(mode="promise_in_bounds") for step in (0, right, down, down + right)]
    return read[0], read[1], read[2], read[3]


def interpolate(frames: jax.Array, at: Corners) -> jax.Array:
    """Bilinear values [..., C] of `frames` [T, H, W, C]."""
    a, b, c, d = gather(frames, at)
    fy, fx = at.fraction_y[..., None], at.fraction_x[..., None]
    return (1 - fy) * ((1 - fx) * a + fx * b) + fy * ((1 - fx) * c + fx * d)


def interpolate_gradient(frames: jax.Array, at: Corners) -> tuple[jax.Array, jax.Array]:
    """Exact derivatives in x and y of the bilinear values, each [..., C]."""
    a, b, c, d = gather(frames, at)
    fy, fx = at.fraction_y[..., None], at.fraction_x[..., None]
    return (1 - fy) * (b - a) + fy * (d - c), (1 - fx) * (c - a) + fx * (d - b)


def empty_windows(shape: tuple[int, ...], dtype) -> jax.Array:
    """An accumulator for `scatter_windows`: one row of four corners times C channels per pixel."""
    total = shape[0] * shape[1] * shape[2]
    return jnp.zeros((total, 4 * shape[3]), dtype)


def scatter_windows(windows: jax.Array, at: Corners, values: jax.Array) -> jax.Array:
    """Add `values` [..., C], spread over their four corners, to the accumulator."""
    fy, fx = at.fraction_y[..., None], at.fraction_x[..., None]
    weights = ((1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx)
    update = jnp.concatenate([w * values for w in weights], axis=-1).reshape(-1, windows.shape[-1])
    # Without the barrier XLA computes positions and weights anew for each of the 4 C numbers it adds: half the speed.
    index, update = jax.lax.optimization_barrier((at.index.reshape(-1), update))
    return windows.at[index].add(update, mode="promise_in_bounds")


def unfold_windows(windows: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Frames [T, H, W, C] from the accumulator: each corner moved to the pixel it stands for."""
    down, right = _steps(shape)
    total = windows.shape[0]
    parts = jnp.split(windows, 4, axis=-1)
    shifted = [jnp.pad(p, ((s, 0), (0, 0)))[:total] for p, s in zip(parts, (0, right, down, down + right), strict=True)]
    return sum(shifted[1:], shifted[0]).reshape(shape)


def _read(shape):
    def forward(at, frames):
        return interpolate(frames, at)

    def adjoint(at, values):
        return unfold_windows(scatter_windows(empty_windows(shape, values.dtype), at, values), shape)

    return forward, adjoint


@jax.custom_jvp
def sample(frames: jax.Array, frame: jax.Array, y: jax.Array, x: jax.Array) -> jax.Array:
    """Bilinear read of `frames` [T, H, W, C] at integer `frame` and pixel positions `y`, `x`, all of one shape.

    Returns that shape with C appended. Differentiable in the frames (written adjoint) and in the positions.
    """
    at = corners(frames.shape, frame, y, x)
    return linear_map(*_read(frames.shape), at, frames)


def _sample_jvp(primals, tangents):
    frames, frame, y, x = primals
    d_frames, _, dy, dx = tangents
    out = sample(frames, frame, y, x)
    tangent = jnp.zeros_like(out)
    if type(d_frames) is not SymbolicZero:
        tangent = tangent + sample(d_frames, frame, y, x)
    if type(dy) is not SymbolicZero or type(dx) is not SymbolicZero:
        _, height, width, _ = frames.shape
        gx, gy = interpolate_gradient(frames, corners(frames.shape, frame, y, x))
        inside_x = ((x > 0) & (x < width - 1))[..., None]
        inside_y = ((y > 0) & (y < height - 1))[..., None]
        for gradient, inside, step in ((gx, inside_x, dx), (gy, inside_y, dy)):
            if not isinstance(step, SymbolicZero):
                tangent = tangent + jnp.where(inside, gradient, 0) * step[..., None]
    return out, tangent


sample.defjvp(_sample_jvp, symbolic_zeros=True)


def pixel_grid(height: int, width: int, dtype) -> tuple[jax.Array, jax.Array]:
    """Row and column coordinates of every pixel, each [H, W]."""
    y = jax.lax.broadcasted_iota(dtype, (height, width), 0)
    x = jax.lax.broadcasted_iota(dtype, (height, width), 1)
    return y, x
