"""Bilinear reads from a stack of frames at sub-pixel positions, and their exact adjoint.

Positions outside a frame read its nearest border pixel. Layout decides the speed: every channel is one flat list of
pixels, for arrays whose last axis is short are not vectorised; indices are computed once for the four corners, bounds
are promised, and the adjoint adds four-corner windows of one accumulator that is unfolded by shifts at the end (one
scatter instead of four).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from gvd_jax.ops.linear_map import linear_map
from gvd_jax.trees import pytree, replace, static

Planes = list[jax.Array]  # one flat list of all pixels of all frames, [T H W], per channel


@pytree
class Corners:
    """Upper left pixel (flat index into a plane) and the fractions of bilinear reads, all of one shape."""

    index: jax.Array
    fraction_y: jax.Array
    fraction_x: jax.Array
    steps: tuple[int, int, int, int] = static()  # to the upper left, upper right, lower left and lower right pixel


Places = tuple[jax.Array, Corners]  # N sets: the frame of each, and the corners of its reads


def _steps(height: int, width: int) -> tuple[int, int, int, int]:
    """There is nothing below or on the right of an axis of one pixel."""
    down, right = (width if height > 1 else 0), (1 if width > 1 else 0)
    return 0, right, down, down + right


def _integer(x: jax.Array) -> jax.Array:
    """int32 of whole numbers 0 <= x < 2^23, read off the mantissa.

    A conversion tests every number for NaN and overflow, in code that is not vectorised.
    """
    shift, integer = (2.0**23, jnp.int32) if x.dtype == jnp.float32 else (2.0**52, jnp.int64)
    bits = jax.lax.bitcast_convert_type(x + shift, integer)
    return (bits - np.asarray(shift, x.dtype).view(integer)).astype(jnp.int32)


def corners(height: int, width: int, frame: jax.Array | int, y: jax.Array, x: jax.Array) -> Corners:
    """Locate the four pixels around (`frame`, `y`, `x`), broadcast together, in frames of `height` x `width`."""
    y = jnp.clip(y, 0, height - 1)
    x = jnp.clip(x, 0, width - 1)
    y0 = jnp.minimum(jnp.floor(y), max(height - 2, 0))
    x0 = jnp.minimum(jnp.floor(x), max(width - 2, 0))
    index = (frame * height + _integer(y0)) * width + _integer(x0)
    return Corners(index, y - y0, x - x0, _steps(height, width))


def planes(frames: jax.Array) -> Planes:
    """The channels of `frames` [T, H, W, C], each contiguous."""
    # Without the barrier XLA reads the channels out of the interleaved frames again for every sample.
    return jax.lax.optimization_barrier([frames[..., c].reshape(-1) for c in range(frames.shape[-1])])


def gather(plane: jax.Array, at: Corners) -> Planes:
    """The four corner values: upper left, upper right, lower left, lower right."""
    return [plane.at[at.index + step].get(mode="promise_in_bounds", wrap_negative_indices=False) for step in at.steps]


def interpolate(plane: jax.Array, at: Corners) -> jax.Array:
    """Bilinear values of a plane."""
    a, b, c, d = gather(plane, at)
    fy, fx = at.fraction_y, at.fraction_x
    return (1 - fy) * ((1 - fx) * a + fx * b) + fy * ((1 - fx) * c + fx * d)


def interpolate_with_gradient(plane: jax.Array, at: Corners) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Bilinear values of a plane, and their exact derivatives in x and y."""
    a, b, c, d = gather(plane, at)
    fy, fx = at.fraction_y, at.fraction_x
    above, below = b - a, d - c
    left = a + fx * above
    return left + fy * (c + fx * below - left), above + fy * (below - above), (1 - fx) * (c - a) + fx * (d - b)


def scatter_windows(windows: jax.Array, at: Corners, values: jax.Array) -> jax.Array:
    """Add the values of the n reads `at`, [n], spread over their corners, to the accumulator [T H W, 4] of a plane."""
    # Barriers: without the first XLA computes positions anew for each of the 4 numbers, without the second the
    # update for each that it adds. Weights by a comparison, because it is slow to join arrays along a short axis.
    index, fy, fx = jax.lax.optimization_barrier(
        tuple(part.reshape(-1) for part in (at.index, at.fraction_y, at.fraction_x))
    )
    corner = jnp.arange(4)
    weight_y = jnp.where(corner >= 2, fy[:, None], 1 - fy[:, None])
    weight_x = jnp.where(corner % 2 == 1, fx[:, None], 1 - fx[:, None])
    index, update = jax.lax.optimization_barrier((index, weight_y * weight_x * values[:, None]))
    return windows.at[index].add(update, mode="promise_in_bounds", wrap_negative_indices=False)


def unfold_windows(windows: jax.Array, height: int, width: int) -> jax.Array:
    """The plane [T H W] from the accumulator: each corner moved to the pixel it stands for."""
    moved = [
        jnp.pad(part, (step, 0))[: windows.shape[0]]
        for part, step in zip(windows.T, _steps(height, width), strict=True)
    ]
    return sum(moved[1:], moved[0])


def _channel_reads(read: Callable[[jax.Array, Corners], Any], at: Corners, frames: jax.Array):
    """For every channel what `read` gives of its plane."""
    # Behind a barrier together with the frames, or a loop over changing frames would keep an index of every corner.
    at, read_planes = jax.lax.optimization_barrier((at, planes(frames)))
    return [read(plane, at) for plane in read_planes]


def _forward(_: tuple[int, ...], places: Places, frames: jax.Array) -> jax.Array:
    return jnp.stack(_channel_reads(interpolate, places[1], frames), -1)


def _adjoint(shape: tuple[int, ...], places: Places, values: jax.Array) -> jax.Array:
    frame, at = places
    count, height, width, channels = shape
    parts = [values[..., c].reshape(values.shape[0], -1) for c in range(channels)]

    # Set by set and channel by channel, so that the windows of one plane stay in the cache.
    def add(totals, k):
        here = jax.tree.map(lambda part: part[k], at)
        here = replace(here, index=here.index - frame[k] * height * width)

        def spread(value):
            windows = jnp.zeros((height * width, 4), values.dtype)
            return unfold_windows(scatter_windows(windows, here, value), height, width)

        return [total.at[frame[k]].add(spread(part[k])) for total, part in zip(totals, parts, strict=True)], None

    totals = [jnp.zeros((count, height * width), values.dtype)] * channels
    totals, _ = jax.lax.scan(add, totals, jnp.arange(values.shape[0]))
    return jnp.stack(totals, -1).reshape(shape)


@jax.custom_jvp
def sample(frames: jax.Array, frame: jax.Array, y: jax.Array, x: jax.Array) -> jax.Array:
    """Bilinear reads of `frames` [T, H, W, C] at N sets `y`, `x` [N, ...] of pixel positions, each within one frame.

    `frame` tells which, N integers. Returns the shape of the positions with C appended. Differentiable in the frames
    (written adjoint) and in the positions.
    """
    return _read(frames, (frame, _corners_in(frames, frame, y, x)))


def _corners_in(frames: jax.Array, frame: jax.Array, y: jax.Array, x: jax.Array) -> Corners:
    return corners(frames.shape[1], frames.shape[2], frame.reshape(-1, *[1] * (y.ndim - 1)), y, x)


def _read(frames: jax.Array, places: Places) -> jax.Array:
    shape = (*places[1].index.shape, frames.shape[-1])
    return linear_map(_forward, _adjoint, shape, places, frames, (frames.shape,))


def _sample_jvp(primals, tangents):
    frames, frame, y, x = primals
    d_frames, _, dy, dx = tangents
    _, height, width, _ = frames.shape
    at = _corners_in(frames, frame, y, x)
    parts = [] if type(d_frames) is SymbolicZero else [_read(d_frames, (frame, at))]
    if type(dy) is SymbolicZero and type(dx) is SymbolicZero:
        return _read(frames, (frame, at)), parts[0]
    values, by_x, by_y = zip(*_channel_reads(interpolate_with_gradient, at, frames), strict=True)
    inside_x, inside_y = (x > 0) & (x < width - 1), (y > 0) & (y < height - 1)
    for gradient, inside, step in ((by_x, inside_x, dx), (by_y, inside_y, dy)):
        if not isinstance(step, SymbolicZero):
            parts.append(jnp.stack([jnp.where(inside, g, 0) * step for g in gradient], -1))
    return jnp.stack(values, -1), sum(parts[1:], parts[0])


sample.defjvp(_sample_jvp, symbolic_zeros=True)


def pixel_grid(height: int, width: int, dtype) -> tuple[jax.Array, jax.Array]:
    """Row and column coordinates of every pixel, each [H, W]."""
    y = jax.lax.broadcasted_iota(dtype, (height, width), 0)
    x = jax.lax.broadcasted_iota(dtype, (height, width), 1)
    return y, x
