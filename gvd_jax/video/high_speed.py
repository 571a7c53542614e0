"""High-speed footage: how far things move from frame to frame, and frames in between where that is too far."""

import itertools

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage
from skimage.registration import optical_flow_tvl1
from skimage.transform import resize

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray

MEASURED_WIDTH = 320  # pixels: flow is measured on frames no wider, which is fine enough for a tenth of a pixel
LARGEST_MOTION = 1.1  # pixels: section 5.1 asks for one, and the measurement is a tenth off
FAST = 0.95  # the quantile of the motion that stands for its maximum: a few pixels of a measured flow are always wrong


def motion_between(frames: ArrayLike) -> HostArray:
    """How far things move from each frame to the next, pixels, float32 [T - 1].

    `frames` [T, H, W, C]. The fastest twentieth of the flow by Zach, Pock and Bischof (2007) counts as mistaken.
    """
    gray = np.asarray(frames, np.float32).mean(-1)
    shrink = max(1.0, gray.shape[2] / MEASURED_WIDTH)
    shape = tuple(max(1, round(size / shrink)) for size in gray.shape[1:])
    small = [np.asarray(resize(frame, shape, anti_aliasing=True)) for frame in gray]
    speeds = (np.quantile(np.hypot(*_flow(a, b)), FAST) for a, b in itertools.pairwise(small))
    return shrink * np.fromiter(speeds, np.float32, len(gray) - 1)


def frames_missing(frames: ArrayLike, interpolate: bool) -> int:
    """How many frames are missing between each and the next for things to move a pixel at most (section 5.1).

    Raises `InputError` if some are and they are not to be interpolated.
    """
    motion = float(motion_between(frames).max(initial=0.0))
    if motion > LARGEST_MOTION and not interpolate:
        raise InputError(
            f"things move {motion:.1f} pixels from frame to frame, and a mean of such frames is no motion blur: "
            "shrink the footage or take one of a higher frame rate; --interpolate makes up frames in between"
        )
    return max(0, int(np.ceil(motion / LARGEST_MOTION)) - 1)


def frames_between(frames: ArrayLike, count: int) -> HostArray:
    """`count` frames put in at even times between each frame and the next, float32 [T + (T - 1) count, H, W, C].

    Each is read from both neighbours along the flow from the first one, for they are all that is known of it.
    """
    frames = np.asarray(frames, np.float32)
    filled = [frames[0]]
    for first, second in itertools.pairwise(frames):
        flow = _flow(first.mean(-1), second.mean(-1))
        for time in np.arange(1, count + 1) / (count + 1):
            filled.append((1 - time) * _read(first, -time * flow) + time * _read(second, (1 - time) * flow))
        filled.append(second)
    return np.stack(filled)


def _flow(first: HostArray, second: HostArray) -> HostArray:
    """Motion (rows, columns) [2, H, W] of gray frames: first(x) is second(x + flow)."""
    return optical_flow_tvl1(first, second, num_warp=3)


def _read(frame: HostArray, move: HostArray) -> HostArray:
    """The frame [H, W, C] at x + move."""
    where = np.indices(frame.shape[:2], np.float32) + move
    planes = (ndimage.map_coordinates(plane, where, np.float32, 3, "nearest") for plane in np.moveaxis(frame, -1, 0))
    return np.stack(list(planes), -1)
