"""Frames of changing exposure, bound to their neighbours up to a brightness."""

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken
from experiments.terms import with_exposure_change


def pictures(size: Size) -> Pictures:
    clip, offset = shaken(size), np.array([0, 0.12, 0.04, 0.1, 0.02], np.float32)[: size[0], None, None, None]
    fast = gvd.replace(gvd.Config.fast(), camera=gvd.Camera(exposure_change=jnp.inf))
    blurry, sharp = (0.85 * frames + offset for frames in (clip.blurry, clip.sharp))
    settings = {"bound as they are": fast, "up to a brightness": with_exposure_change(fast)}
    return compare(blurry, sharp, clip.duty_cycle, settings)


if __name__ == "__main__":
    draw("exposure", pictures)
