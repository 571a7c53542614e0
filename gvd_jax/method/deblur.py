"""Algorithm 1: the whole method as a fold over a plan of stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from gvd_jax.method.boundaries import blur_confidence
from gvd_jax.method.config import Config
from gvd_jax.method.data_weight import clipping_confidence
from gvd_jax.method.exposure_change import own_exposure
from gvd_jax.method.initialise import start_flow
from gvd_jax.method.inputs import check_duty_cycle, check_frames
from gvd_jax.method.memory import give_back
from gvd_jax.method.occlusion import visibility
from gvd_jax.method.plan import COSTS, make_plan
from gvd_jax.method.stages import run_stage, to_level
from gvd_jax.method.start import Start, find_start, to_gray
from gvd_jax.model.variables import Unknowns
from gvd_jax.progress import Hook, Progress, Recorder
from gvd_jax.shapes import Array, DefocusMap, DutyCycle, Float, Flow, Frames, Scalar
from gvd_jax.trees import replace


@dataclass(frozen=True)
class Result:
    """What `deblur` gives. All T frames are restored; maps are in pixels of the input.

    `latent` [T, H, W, C] display values in [0, 1]; `flow` [T, 2, H, W, 2] pixels per frame interval; `defocus`
    [T, H, W] standard deviation in pixels; `confidence` [T, H, W] in [0, 1], how far a blurry pixel was believed in the
    end, by what is clipped and hidden; `duty_cycle` [T]; `history` every step that was taken.
    """

    latent: Frames
    flow: Flow
    defocus: DefocusMap
    confidence: Float[Array, "T H W"]
    duty_cycle: DutyCycle
    history: tuple[Progress, ...]


def _first_unknowns(gray: Frames, flow: Flow, config: Config, shape: tuple[int, int]) -> Unknowns:
    """Blurry frames, start flow and start defocus on the coarsest level (section 4.1)."""
    coarse = to_level(Unknowns(gray, flow, jnp.zeros(gray.shape[:3], gray.dtype)), shape)
    return replace(coarse, defocus=jnp.full_like(coarse.defocus, config.start_defocus))


def deblur_pure(
    frames: Frames, duty_cycle: DutyCycle | Scalar | float, config: Config, start: Flow | None = None
) -> Unknowns:
    """The whole method as one pure function: `jit`, `vmap` and `grad` go all the way through.

    `frames` [T, H, W, C] display values in [0, 1], T >= 2; `duty_cycle` tau, a scalar or [T]; `config.samples` sets the
    reads per side of the exposure on the full size: one per 1.8 pixels of the largest tau |u| suffice. `start` is a
    flow to start from, instead of that of the blurry frames. Nothing is checked, and nothing found out beforehand:
    without a transfer there is no curve, and exposures should be even. Returns the latent
    frames in display values, the flow and the defocus map.
    """
    tau = jnp.broadcast_to(jnp.asarray(duty_cycle, frames.dtype), (frames.shape[0],))
    plan = make_plan(frames.shape[1], frames.shape[2], config)
    gray = to_gray(frames, config)
    flow = start_flow(gray, config) if start is None else start
    unknowns = _first_unknowns(gray, flow, config, plan[0].shape)
    for stage in plan:
        unknowns, _, _ = run_stage(stage, unknowns, frames, tau, config)
    return unknowns


def deblur(
    frames: Any,
    duty_cycle: float | Sequence[float] | Literal["auto", "per-frame"] = "auto",
    config: Config | None = None,
    hooks: Sequence[Hook] = (),
) -> Result:
    """Restore every frame of a clip (Algorithm 1).

    `frames` [T, H, W, C], C = 1 or 3, display values in [0, 1], T >= 2. `duty_cycle` is tau = exposure / (2 frame
    interval), 0 < tau <= 0.5, for the clip or for every frame; "auto" finds one for the clip, "per-frame" one per
    frame. `hooks` are called with a `Progress` after every step and change nothing. Raises `InputError` for frames or
    a duty cycle that cannot be worked with.
    """
    config = Config.default() if config is None else config
    frames = check_frames(frames)
    given = check_duty_cycle(duty_cycle, frames.shape[0])
    recorder = record(frames, config, hooks)
    return restore(find_start(frames, given, config), recorder)


def record(frames: Frames, config: Config, hooks: Sequence[Hook]) -> Recorder:
    """Begins to record how `frames` are restored."""
    plan = make_plan(frames.shape[1], frames.shape[2], config)
    return Recorder(hooks, COSTS["start flow"] + sum(stage.cost for stage in plan))


def restore(start: Start, recorder: Recorder) -> Result:
    """Restore a clip of which everything is found out."""
    frames, config = start.frames, start.config
    plan = make_plan(frames.shape[1], frames.shape[2], config)
    unknowns = _first_unknowns(start.gray, start.flow, config, plan[0].shape)
    recorder.add("start flow", plan[-1].level, plan[-1].level + 1, frames.shape[1:3], COSTS["start flow"], {})
    give_back()
    for stage in plan:
        unknowns, energy, info = run_stage(stage, unknowns, frames, start.duty_cycle, config)
        recorder.add(stage.kind, stage.level, plan[-1].level + 1, stage.shape, stage.cost, energy, unknowns, info)
        give_back()
        if stage.kind == "edges" and not unknowns.defocus.any():
            config = replace(config, scales=())  # G is the identity: the programs without it are compiled
    latent = own_exposure(unknowns.latent, start.exposure)
    confidence = _confidence(start.gray, unknowns.flow, config)
    return Result(latent, unknowns.flow, unknowns.defocus, confidence, start.duty_cycle, tuple(recorder.history))


@jax.jit
def _confidence(gray: Frames, flow: Flow, config: Config) -> Float[Array, "T H W"]:
    clipping = clipping_confidence(gray[..., 0], config.clipped_confidence)
    return clipping * blur_confidence(visibility(flow), config.unconfirmed_confidence)
