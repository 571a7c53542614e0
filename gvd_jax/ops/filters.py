"""Small separable filters."""

import jax
import jax.numpy as jnp
import numpy as np

BINOMIAL = np.array([1.0, 2.0, 1.0]) / 4
CENTRAL = np.array([-0.5, 0.0, 0.5])


def correlate(x: jax.Array, taps: jax.Array | np.ndarray, axis: int) -> jax.Array:
    """Correlate along one axis with an odd number of taps; the border is repeated. Same shape as `x`."""
    taps = jnp.asarray(taps, x.dtype)
    radius = taps.shape[0] // 2
    padding = [(0, 0)] * x.ndim
    padding[axis] = (radius, radius)
    padded = jnp.pad(x, padding, mode="edge")
    size = x.shape[axis]
    parts = [taps[k] * jax.lax.slice_in_dim(padded, k, k + size, axis=axis) for k in range(taps.shape[0])]
    return sum(parts[1:], parts[0])


def correlate_both(x: jax.Array, taps: jax.Array | np.ndarray) -> jax.Array:
    """Correlate along both image axes of [T, H, W, ...]: a separable filter."""
    return correlate(correlate(x, taps, 1), taps, 2)


def smooth(frames: jax.Array) -> jax.Array:
    """Binomial smoothing of [T, H, W, C]."""
    return correlate_both(frames, BINOMIAL)


def central_gradient(frames: jax.Array) -> jax.Array:
    """Central differences: [T, H, W, C] -> [T, H, W, 2 C], x then y."""
    return jnp.concatenate([correlate(frames, CENTRAL, 2), correlate(frames, CENTRAL, 1)], axis=-1)


def smooth_gradient(frames: jax.Array) -> jax.Array:
    """Central differences of the smoothed frames: [T, H, W, C] -> [T, H, W, 2 C], x then y."""
    return central_gradient(smooth(frames))
