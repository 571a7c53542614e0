"""A camera motion that is known, from a gyroscope say, draws the flow where the clip shows little of it."""

import jax.numpy as jnp

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken
from experiments.terms import with_camera_motion


def pictures(size: Size) -> Pictures:
    clip, fast = shaken(size, "rocket", motion=8.0, noise=0.02), gvd.Config.fast()
    settings = {"unknown": fast, "known": with_camera_motion(fast, jnp.asarray(clip.flow))}
    return compare(clip.blurry, clip.sharp, clip.duty_cycle, settings)


if __name__ == "__main__":
    draw("camera", pictures)
