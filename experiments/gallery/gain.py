"""Gain and offset of every frame's exposure as an unknown of one's own, solved with the rest of a long clip."""

import tempfile

import jax
import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, draw, shaken

EXPOSURE = gvd.Unknown("exposure", "T 2", start=0.0, lower=-0.7, upper=0.7)  # logarithm of the gain, and the offset
FAST = gvd.Config.fast().without_term("temporal_far").without_stage("blend")  # which would hide what is wrong
PLAIN = gvd.replace(FAST, camera=gvd.Camera(exposure_change=jnp.inf))


def evened(unknowns, observation):  # Eq. (5) of frames under one exposure, in display values of the frame's own
    gain, offset = jnp.exp(unknowns.exposure[:, 0, None, None]), unknowns.exposure[:, 1, None, None]
    even = gvd.replace(unknowns, latent=(unknowns.latent - offset[..., None]) / gain[..., None])
    return jax.tree.map(lambda d: gain * d, PLAIN.energy["temporal"].residual(even, observation))


def settings() -> gvd.Config:
    config = PLAIN.with_unknown(EXPOSURE, gvd.Block(EXPOSURE, {}), "latent", gvd.BlockOptions(linearisations=6))
    config = config.with_term("temporal", gvd.Term(2.0, evened, gvd.L1()), latent=gvd.Dual(), exposure=gvd.Linearised())
    return config.with_term("rest", gvd.Term(1.0, lambda u, _: u.exposure, gvd.SquaredL2()), exposure=gvd.Quadratic())


def pictures(size: Size) -> Pictures:
    clip, gain = shaken(size), np.random.default_rng(0).uniform(0.7, 1.0, (size[0], 1, 1, 1)).astype(np.float32)
    shown, at = {"blurry": gain * clip.blurry}, tempfile.mkdtemp()
    gvd.write_video(f"{at}/blurry", shown["blurry"])
    for name, config in (("fast", PLAIN), ("solved", settings())):
        gvd.deblur_video(f"{at}/blurry", f"{at}/{name}", config, clip.duty_cycle, max_memory=2)
        shown[name] = gvd.read_video(f"{at}/{name}").frames
    return shown | {"truth": gain * clip.sharp}


if __name__ == "__main__":
    draw("gain", pictures, (36, 96, 128))
