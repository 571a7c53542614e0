"""One step of the method alone, and Eq. (8) as a whole: what several experiments solve."""

from typing import Any

import jax
import jax.numpy as jnp

import gvd_jax as gvd

DEFOCUS_TV = 0.3  # weight of the total variation of the defocus, which the default does not have
# Conjugate gradients alone solve it, as they do the flow of the default.
REWEIGHTED_DEFOCUS = gvd.Solve(
    "defocus",
    gvd.Block(gvd.DEFOCUS, {"data": gvd.Linearised(), "defocus_tv": gvd.Linearised()}),
    gvd.BlockOptions(gvd.Steps(cg_iterations=30), 1.0, linearisations=3),
)


def printed_energy() -> gvd.Energy:
    """Eq. (8) under the default's weights, which reads the defocus off edges and has no prior of it."""
    weight = {name: term.weight for name, term in gvd.Config.default().energy.items()}
    return gvd.gvd_energy(weight["data"], weight["temporal"], weight["latent_tv"], weight["flow_tv"], DEFOCUS_TV)


def problem_of(frames: jax.Array, duty_cycle: Any, config: gvd.Config) -> gvd.Problem:
    """Blurry `frames` [T, H, W, C]; where the settings leave the camera curve to be found there is none."""
    transfer = config.camera.transfer or config.with_transfer("none").camera.transfer
    assert transfer is not None
    tau = jnp.broadcast_to(jnp.asarray(duty_cycle, frames.dtype), frames.shape[:1])
    return gvd.Problem(
        frames,
        tau,
        transfer,
        config.energy,
        config.blur,
        config.unknowns,
        gvd.observe(frames, 0.0).continues,
        jnp.ones(frames.shape[:3]),
        jnp.zeros(len(frames)),
    )


def run_stage(stage: gvd.Stage, unknowns: gvd.Unknowns, problem: gvd.Problem) -> gvd.Unknowns:
    """The unknowns after a stage at full size."""
    return stage.run(gvd.State(unknowns, shape=problem.size), problem)[0].unknowns


def start_flow(frames: jax.Array, config: gvd.Config) -> jax.Array:
    """The flow [T, 2, H, W, 2] of `frames` [T, H, W, C], from which the method starts."""
    return run_stage(config.first, gvd.Unknowns(), problem_of(frames, 0.0, config)).flow


def stage_of(config: gvd.Config, name: str) -> Any:
    """The first stage of a name."""
    return next(stage for stage in config.stages if stage.name == name)


def latent_stage(config: gvd.Config) -> gvd.Solve:
    """The latent subproblem as it is at the end, when the motion of the ends is no guess."""
    last = stage_of(config, "colour")
    return gvd.Solve("latent", last.block, last.options, last.believe)
