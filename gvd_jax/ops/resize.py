"""Changes of resolution: frames are resampled, flow and defocus are also rescaled to pixels of the new level."""

import jax
import jax.numpy as jnp

from gvd_jax.shapes import DefocusMap, Flow, Frames


def resize_frames(frames: Frames, height: int, width: int) -> Frames:
    """Bicubic resampling (Keys, a = -1/2), with an antialiasing filter when it shrinks."""
    return jax.image.resize(frames, (frames.shape[0], height, width, frames.shape[3]), "cubic")


def resize_flow(flow: Flow, height: int, width: int) -> Flow:
    """Bilinear resampling; each component is scaled by the ratio of its axis."""
    frames, directions, old_height, old_width, _ = flow.shape
    ratio = jnp.asarray([width / old_width, height / old_height], flow.dtype)
    return ratio * jax.image.resize(flow, (frames, directions, height, width, 2), "linear")


def resize_defocus(defocus: DefocusMap, height: int, width: int) -> DefocusMap:
    """Bilinear resampling; the standard deviation is scaled by the geometric mean of the two ratios."""
    frames, old_height, old_width = defocus.shape
    ratio = (height * width / (old_height * old_width)) ** 0.5
    return ratio * jax.image.resize(defocus, (frames, height, width), "linear")
