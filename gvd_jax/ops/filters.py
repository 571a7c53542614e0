"""Small separable filters."""

import jax
import jax.numpy as jnp
import numpy as np

BINOMIAL = np.array([1.0, 2.0, 1.0]) / 4
CENTRAL = np.array([-0.5, 0.0, 0.5])


def correlate(x: jax.Array, taps: jax.Array | np.ndarray, axis: int) -> jax.Array:
    """Correlate along one axis with an odd number of taps; the border is repeated. Same shape as `x`."""
    taps = jnp.asarray(taps, x.dtype)
    return _weighted(_pad(x, taps.shape[0] // 2, axis, "edge"), taps, axis)


def correlate_adjoint(y: jax.Array, taps: jax.Array | np.ndarray, axis: int) -> jax.Array:
    """The adjoint of `correlate`: what falls into the repeated border goes back to the pixel that was repeated."""
    taps = jnp.asarray(taps, y.dtype)
    radius, size = taps.shape[0] // 2, y.shape[axis]
    spread = _weighted(_pad(y, 2 * radius, axis, "constant"), taps[::-1], axis)
    if size == 1:
        return spread.sum(axis, keepdims=True)
    first, inner, last = jnp.split(spread, (radius + 1, radius + size - 1), axis)
    return jnp.concatenate([first.sum(axis, keepdims=True), inner, last.sum(axis, keepdims=True)], axis)


def _pad(x: jax.Array, radius: int, axis: int, mode: str) -> jax.Array:
    return jnp.pad(x, [(radius, radius) if k == axis else (0, 0) for k in range(x.ndim)], mode=mode)


def _weighted(padded: jax.Array, taps: jax.Array, axis: int) -> jax.Array:
    """The sum of the shifted arrays that lie in `padded`, one per tap."""
    size = padded.shape[axis] - taps.shape[0] + 1
    parts = [taps[k] * jax.lax.slice_in_dim(padded, k, k + size, axis=axis) for k in range(taps.shape[0])]
    return sum(parts[1:], parts[0])


def correlate_both(x: jax.Array, taps: jax.Array | np.ndarray) -> jax.Array:
    """Correlate along both image axes of [T, H, W, ...]: a separable filter."""
    return correlate(correlate(x, taps, 1), taps, 2)


def box_mean(x: jax.Array, size: int) -> jax.Array:
    """The mean in windows of `size`, odd, pixels a side around those of [T, H, W, ...]; the border is repeated."""
    nothing = np.zeros((), x.dtype)
    for axis in (1, 2):  # one operation each, however wide: a sum of shifted arrays would be many to compile
        window = [size if k == axis else 1 for k in range(x.ndim)]
        padded = _pad(x, size // 2, axis, "edge")
        x = jax.lax.reduce_window(padded, nothing, jax.lax.add, window, [1] * x.ndim, "VALID") / size
    return x


def correlate_both_adjoint(y: jax.Array, taps: jax.Array | np.ndarray) -> jax.Array:
    """The adjoint of `correlate_both`."""
    return correlate_adjoint(correlate_adjoint(y, taps, 2), taps, 1)


def smooth(frames: jax.Array) -> jax.Array:
    """Binomial smoothing of [T, H, W, C]."""
    return correlate_both(frames, BINOMIAL)


def central_gradient(frames: jax.Array) -> jax.Array:
    """Central differences: [T, H, W, C] -> [T, H, W, 2 C], x then y."""
    return jnp.concatenate([correlate(frames, CENTRAL, 2), correlate(frames, CENTRAL, 1)], axis=-1)


def smooth_gradient(frames: jax.Array) -> jax.Array:
    """Central differences of the smoothed frames: [T, H, W, C] -> [T, H, W, 2 C], x then y."""
    return central_gradient(smooth(frames))
