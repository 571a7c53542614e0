"""A lens out of focus draws a disc, not a Gaussian: another factor of the blur model, under a defocus that is known."""

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken

SIGMA = 1.5  # pixels, the standard deviation of a disc of radius 3


def pictures(size: Size) -> Pictures:
    clip = shaken(size)
    known = gvd.replace(gvd.DEFOCUS, start=SIGMA)
    gaussian = gvd.replace(gvd.Config.fast().without_stage("edges"), unknowns=(gvd.LATENT, gvd.FLOW, known))
    disc = gaussian.with_blur(gvd.MotionBlur(), gvd.DiscDefocus())
    truth = gvd.Unknowns(flow=jnp.asarray(clip.flow), defocus=jnp.full(clip.sharp.shape[:3], SIGMA))
    blurry = np.asarray(disc.blur(jnp.asarray(clip.sharp), truth, gvd.observe(jnp.asarray(clip.blurry), 0.45)))
    return compare(blurry, clip.sharp, clip.duty_cycle, {"Gaussian": gaussian, "disc": disc})


if __name__ == "__main__":
    draw("disc", pictures)
