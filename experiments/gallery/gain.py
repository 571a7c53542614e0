"""Gain and offset of every frame's exposure as an unknown of one's own, solved with the rest of a long clip."""

import tempfile

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, draw, shaken

EXPOSURE = gvd.Unknown("exposure", "T 2", start=0.0, lower=-0.7, upper=0.7)  # logarithm of the gain, and the offset
EQ_5 = gvd.Config.default().energy["temporal"].residual


def evened(unknowns, observation):  # Eq. (5) of frames that are brought to one exposure
    gain, offset = (unknowns.exposure[:, k, None, None, None] for k in (0, 1))
    return EQ_5(gvd.replace(unknowns, latent=(unknowns.latent - offset) * jnp.exp(-gain)), observation)


def settings() -> gvd.Config:
    options = gvd.BlockOptions(gvd.Steps(cg_iterations=20), radius=0.2, linearisations=4)
    config = gvd.Config.default().with_unknown(EXPOSURE, gvd.Block(EXPOSURE, {}), after="latent", options=options)
    config = config.with_term("temporal", gvd.Term(2.0, evened, gvd.L1()), latent=gvd.Dual(), exposure=gvd.Linearised())
    rest = gvd.Term(1.0, lambda unknowns, observation: unknowns.exposure, gvd.SquaredL2())
    config = config.with_term("rest", rest, exposure=gvd.Quadratic()).without_term("temporal_far")
    return gvd.replace(config, camera=gvd.Camera(exposure_change=jnp.inf))


def pictures(size: Size) -> Pictures:
    clip, gain = shaken(size), np.random.default_rng(0).uniform(0.7, 1.0, (size[0], 1, 1, 1)).astype(np.float32)
    blurry, sharp, plain = gain * clip.blurry, gain * clip.sharp, gvd.replace(gvd.Config.default(), camera=gvd.Camera())
    with tempfile.TemporaryDirectory() as folder:
        gvd.write_video(f"{folder}/blurry", blurry)
        for name, config in (("plain", plain), ("own", settings())):
            done = gvd.deblur_video(f"{folder}/blurry", f"{folder}/{name}", config, clip.duty_cycle, max_memory=2)
        restored = {name: gvd.read_video(f"{folder}/{name}").frames for name in ("plain", "own")}
    print("gain found:", np.exp(done.unknowns["exposure"][:, 0]).round(2), "true:", gain.ravel().round(2))
    return {"blurry": blurry, "default": restored["plain"], "own unknown": restored["own"], "truth": sharp}


if __name__ == "__main__":
    draw("gain", pictures, (36, 96, 128))
