"""Latent frames for a flow and a defocus that are given; with the true ones, what the blind method cannot beat."""

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.clips import TrueClip
from gvd_jax.method.config import Config
from gvd_jax.method.ends import extrapolate_ends
from gvd_jax.method.parts import Pyramid
from gvd_jax.method.plan import make_plan
from gvd_jax.method.stages import run_stage
from gvd_jax.method.start import samples_for, to_gray
from gvd_jax.model.variables import Unknowns
from gvd_jax.shapes import HostArray
from gvd_jax.trees import replace


def restore_exactly(clip: TrueClip, config: Config) -> gvd.Result:
    """With the true flow and defocus."""
    return restore_with(clip.blurry, np.nan_to_num(clip.flow), clip.defocus, clip.duty_cycle, config)


def restore_with(
    frames: HostArray, flow: HostArray, defocus: HostArray, duty_cycle: float, config: Config
) -> gvd.Result:
    """Latent frames of `frames` [T, H, W, C], gray and in colour, by the solvers of `config`.

    `flow` [T, 2, H, W, 2], pixels per frame interval, but the motion beyond the ends is extrapolated; `defocus`
    [T, H, W], pixels.
    """
    blurry, motion, sigma = (jnp.asarray(x, jnp.float32) for x in (frames, flow, defocus))
    tau = jnp.full(len(blurry), duty_cycle, jnp.float32)
    motion = extrapolate_ends(motion)
    config = replace(config, samples=samples_for(motion, tau), pyramid=Pyramid())
    unknowns = Unknowns(to_gray(blurry, config), motion, sigma)
    plan = make_plan(blurry.shape[1], blurry.shape[2], config)
    kinds = [stage.kind for stage in plan]
    for stage in (plan[kinds.index("latent")], *plan[kinds.index("colour") :]):
        unknowns, _, _ = run_stage(stage, unknowns, blurry, tau, config)
    return gvd.Result(unknowns.latent, motion, sigma, jnp.ones_like(sigma), tau, ())
