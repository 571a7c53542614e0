"""Flow and defocus as colours."""

import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.shapes import HostArray

# Red to yellow, green, cyan, blue, magenta and back: the steps of the Middlebury colour wheel (Baker et al. 2011).
STEPS = (15, 6, 4, 11, 13, 6)
CORNERS = ((1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 0, 0))
DEFOCUS_MAP = "viridis"


def flow_colours(flow: ArrayLike, largest: float) -> HostArray:
    """Colour flow [..., 2] as uint8 [..., 3]: hue is direction, white no motion, full colour `largest` pixels.

    Faster motion darkens, as in the Middlebury pictures; unknown flow (NaN or infinite) is black.
    """
    values = np.asarray(flow, np.float64) / max(largest, 1e-9)
    known = np.isfinite(values).all(-1, keepdims=True)
    x, y = np.moveaxis(np.where(known, values, 0.0), -1, 0)
    speed = np.hypot(x, y)[..., None]
    turn = (np.arctan2(-y, -x) / np.pi + 1) / 2  # 0 at motion to the right, growing clockwise on the screen
    places = np.cumsum((0, *STEPS)) / sum(STEPS)
    hue = np.stack([np.interp(turn, places, [corner[c] for corner in CORNERS]) for c in range(3)], -1)
    colour = np.where(speed <= 1, 1 - speed * (1 - hue), 0.75 * hue)
    return np.round(255 * np.where(known, colour, 0.0)).astype(np.uint8)


def flow_legend(size: int = 151) -> HostArray:
    """The colour wheel, uint8 [size, size, 3]: each point shows the colour of the motion from the centre to it."""
    axis = np.linspace(-1, 1, size)
    motion = np.stack(np.meshgrid(axis, axis), -1)
    outside = np.hypot(motion[..., 0], motion[..., 1]) > 1
    return np.where(outside[..., None], np.uint8(255), flow_colours(motion, 1.0))


def largest_motion(flow: ArrayLike) -> float:
    """The speed, pixels, that flow maps of one clip should share as their full colour: few pixels move faster."""
    return max(1.0, float(np.percentile(np.linalg.norm(np.asarray(flow), axis=-1), 99)))


def largest_defocus(defocus: ArrayLike) -> float:
    """The defocus, pixels, that defocus maps of one clip should share as their full brightness."""
    return max(1.0, float(np.max(defocus)))


def defocus_colours(defocus: ArrayLike, largest: float) -> HostArray:
    """Colour standard deviations [...], pixels, as uint8 [..., 3]: dark is sharp, bright is `largest` and more."""
    from matplotlib import colormaps  # a third of a second, which who wants no picture does not wait for

    shade = np.asarray(defocus, np.float64) / max(largest, 1e-9)
    return colormaps[DEFOCUS_MAP](np.clip(shade, 0, 1), bytes=True)[..., :3]
