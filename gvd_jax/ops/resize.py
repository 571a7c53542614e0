"""Changes of resolution: frames are resampled, flow and defocus are also rescaled to pixels of the new level."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.ops.platform import on_cpu
from gvd_jax.shapes import Array, DefocusMap, Float, Flow, Frames

Kernel = Callable[[np.ndarray], np.ndarray]

REACH = 2  # of the kernels, in pixels


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys, a = -1/2."""
    x = np.abs(x)
    return np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0))


def _linear(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


def _taps(kernel: Kernel, old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `old` pixels make up each of the `new` ones, and their weights, both [new, taps].

    The kernel is as wide as a new pixel where the size shrinks; what lies outside is left out.
    """
    width = max(old / new, 1)
    centre = (np.arange(new)[:, None] + 0.5) * old / new - 0.5
    index = np.floor(centre).astype(int) + np.arange(1 - np.ceil(REACH * width), np.ceil(REACH * width) + 1).astype(int)
    weight = kernel((centre - index) / width) * ((index >= 0) & (index < old))
    return np.clip(index, 0, old - 1), weight / weight.sum(1, keepdims=True)


def _by_taps(kernel: Kernel, height: int, width: int, planes: jax.Array) -> jax.Array:
    for new in (height, width):
        planes = planes.swapaxes(-1, -2)
        if planes.shape[-1] != new:
            index, weight = _taps(kernel, planes.shape[-1], new)
            near = planes.at[..., index].get(mode="promise_in_bounds")
            planes = (near * jnp.broadcast_to(jnp.asarray(weight, planes.dtype), near.shape)).sum(-1)
    return planes


def _resize(planes: jax.Array, method: str, kernel: Kernel, height: int, width: int) -> jax.Array:
    """The last two axes.

    JAX multiplies by matrices, for which a GPU tries for a minute which products are the fastest.
    """
    if on_cpu():
        return jax.image.resize(planes, (*planes.shape[:-2], height, width), method)
    return _by_taps(kernel, height, width, planes)


def resize_frames(frames: Frames, height: int, width: int) -> Frames:
    """Bicubic resampling (Keys, a = -1/2), with an antialiasing filter when it shrinks."""
    return jnp.moveaxis(_resize(jnp.moveaxis(frames, -1, 1), "cubic", _cubic, height, width), 1, -1)


def resize_flow(flow: Flow, height: int, width: int) -> Flow:
    """Bilinear resampling, with an antialiasing filter when it shrinks; each component is scaled by the ratio of its
    axis."""
    ratio = jnp.asarray([width / flow.shape[3], height / flow.shape[2]], flow.dtype)
    resized = jnp.moveaxis(_resize(jnp.moveaxis(flow, -1, 2), "linear", _linear, height, width), 2, -1)
    return jnp.broadcast_to(ratio, resized.shape) * resized


def resize_defocus(defocus: DefocusMap, height: int, width: int) -> DefocusMap:
    """Bilinear resampling; the standard deviation is scaled by the geometric mean of the two ratios."""
    return (height * width / (defocus.shape[1] * defocus.shape[2])) ** 0.5 * resize_map(defocus, height, width)


def resize_map(x: Float[Array, "T old_height old_width"], height: int, width: int) -> Float[Array, "T height width"]:
    """Bilinear resampling, with an antialiasing filter when it shrinks; values stay as they are."""
    return _resize(x, "linear", _linear, height, width)


def resize_axis(x: jax.Array, axis: int, size: int) -> jax.Array:
    """Bilinear resampling of one axis, with an antialiasing filter when it shrinks; values stay as they are."""
    if x.shape[axis] == size:
        return x
    return jnp.moveaxis(
        _resize(jnp.moveaxis(x, axis, -1)[..., None, :], "linear", _linear, 1, size)[..., 0, :], -1, axis
    )
