"""A lens out of focus is a disc, not a Gaussian: another factor of the blur model."""

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken

SIGMA = 1.5  # pixels, a disc of radius 3


def pictures(size: Size) -> Pictures:
    clip, gaussian = shaken(size), gvd.Config.fast()
    disc = gaussian.with_blur(gvd.MotionBlur(), gvd.DiscDefocus())
    truth = gvd.Unknowns(flow=jnp.asarray(clip.flow), defocus=jnp.full(clip.sharp.shape[:3], SIGMA))
    seen = gvd.observe(jnp.asarray(clip.blurry), clip.duty_cycle)
    blurry = np.asarray(disc.blur(jnp.asarray(clip.sharp), truth, seen))
    return compare(blurry, clip.sharp, clip.duty_cycle, {"Gaussian": gaussian, "disc": disc})


if __name__ == "__main__":
    draw("disc", pictures)
