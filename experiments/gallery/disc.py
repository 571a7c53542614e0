"""A lens out of focus is a disc, not a Gaussian: another factor of the blur model."""

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, draw, shaken

SIGMA = 1.5  # pixels, a disc of radius 3


def pictures(size: Size) -> Pictures:
    clip = shaken(size)
    truth = gvd.Unknowns(flow=jnp.asarray(clip.flow), defocus=jnp.full(clip.sharp.shape[:3], SIGMA))
    camera = gvd.observe(jnp.asarray(clip.blurry), clip.duty_cycle)
    blurry = np.asarray(gvd.Blur((gvd.MotionBlur(), gvd.DiscDefocus()))(jnp.asarray(clip.sharp), truth, camera))
    base = gvd.Config.default()
    disc = base.with_blur(gvd.MotionBlur(), gvd.DiscDefocus())
    restored = {
        name: np.asarray(gvd.deblur(blurry, clip.duty_cycle, config).latent)
        for name, config in (("Gaussian", base), ("disc", disc))
    }
    return {"blurry": blurry} | restored | {"truth": clip.sharp}


if __name__ == "__main__":
    draw("disc", pictures)
