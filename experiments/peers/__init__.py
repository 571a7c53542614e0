"""Trained networks that can be had from package registries, to compare with."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gvd_jax.shapes import HostArray


def framewise(network: Callable[[HostArray], Any], multiple: int, border: Any) -> Callable[[HostArray], HostArray]:
    """A network of images [1, H, W, 3] whose sides are a `multiple` of pixels, as one of frames [H, W, 3] of any size.

    What a frame lacks is added below and to the right, in the way of numpy.pad that `border` names.
    """

    def restore(frame: HostArray) -> HostArray:
        height, width, _ = frame.shape
        padding = ((0, -height % multiple), (0, -width % multiple), (0, 0))
        padded = np.pad(frame, padding, border).astype(np.float32)
        return np.clip(np.asarray(network(padded[None]))[0, :height, :width], 0, 1)

    return restore
