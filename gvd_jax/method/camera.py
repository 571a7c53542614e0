"""What is found out about the camera of a clip: its curve, the exposures of frames, the shutter."""

from typing import Literal

import jax.numpy as jnp
import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.method.camera_curve import find_transfer
from gvd_jax.method.duty_cycle import FoundDutyCycle, find_duty_cycle, find_duty_cycles, find_shutters
from gvd_jax.method.ends import extrapolate_ends
from gvd_jax.method.exposure_change import (
    even_exposure,
    frame_exposures,
    of_brightest,
    own_exposure,
    relative_exposures,
)
from gvd_jax.method.lost_frames import without_jumps
from gvd_jax.method.problem import Info, Problem, Stage, State, finds_duty_cycle, gray_of
from gvd_jax.method.reach import reach
from gvd_jax.model.unknowns import MissingUnknown, Unknowns
from gvd_jax.ops.platform import placed
from gvd_jax.ops.transfer import NONE, Transfer
from gvd_jax.shapes import Array, DutyCycle, Float, Flow, Number
from gvd_jax.trees import pytree, replace

SAMPLES = (4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)  # reads per side of the exposure: few values, so few programs

# tau of every frame, or how it is found: of the clip, which may be known, but shots that differ have their own; or of
# every frame.
Shutter = DutyCycle | FoundDutyCycle | Literal["auto", "per-frame"]
BEGIN = "begin it with StartFlow() or GivenFlow(flow)"


@pytree
class Camera:
    """What is given of the camera: `transfer` is its curve, None to find it out.

    An exposure that changes from frame to frame by more than `exposure_change`, of medium gray in display values, is
    evened out first.
    """

    transfer: Transfer | None = NONE
    exposure_change: Number = jnp.inf


@pytree
class Found:
    """A problem whose camera is known, a state with its start flow, and how that went.

    `exposure` [T, 2] holds gain and offset of every frame, which the frames of the problem do not show any more. The
    errors are standard deviations of the duty cycle and of the gamma of the curve, 0 of what was given.
    """

    problem: Problem
    state: State
    info: Info
    exposure: Float[Array, "T 2"]
    duty_cycle_error: Number = 0.0
    gamma_error: Number = 0.0


def samples_for(flow: Flow, duty_cycle: DutyCycle | Number) -> int:
    """Reads per side of the exposure that a `MotionBlur` needs for paths of this flow [T, 2, H, W, 2], pixels."""
    return samples_for_path(float(reach(flow, duty_cycle)))


def samples_for_path(length: float) -> int:
    """Reads per side of the exposure, one per 1.8 pixels of the longest paths: bilinear reads are 2 pixels wide, and
    nearer ones gain less than 0.05 dB."""
    return next((n for n in SAMPLES if n >= length / 1.8), SAMPLES[-1])


def find_camera(problem: Problem, camera: Camera, start: Stage, duty_cycle: Shutter) -> Found:
    """Everything that is not given, from the flow that the stage `start` gives."""
    state, info = first_flow(problem, start)
    path = problem.blur.motion.path
    frames = problem.frames
    relative, continues = relative_exposures(gray_of(problem), state.unknowns.flow, problem.continues)
    problem = replace(problem, continues=without_jumps(state.unknowns.flow, continues))
    exposure = placed(np.broadcast_to([1.0, 0.0], (len(frames), 2)), frames.dtype)
    if np.abs(np.asarray(relative) @ [0.5, 1.0] - 0.5).max() > camera.exposure_change:
        exposure = frame_exposures(relative, problem.continues)
        problem = replace(problem, frames=even_exposure(frames, exposure))
        state, info = first_flow(problem, start)
    flow = extrapolate_ends(state.unknowns.flow, problem.continues)
    state = replace(state, unknowns=replace(state.unknowns, flow=flow))
    duty_cycle_error = gamma_error = 0.0
    if isinstance(duty_cycle, str | FoundDutyCycle):
        known = problem.frames, flow, path, problem.continues
        if duty_cycle == "per-frame":
            clip, tau = find_duty_cycle(*known), find_duty_cycles(*known)
        else:
            clip, tau = find_shutters(*known, clip=duty_cycle if isinstance(duty_cycle, FoundDutyCycle) else None)
        problem = replace(problem, duty_cycle=tau)
        if duty_cycle == "auto" and finds_duty_cycle(problem):
            state = replace(state, unknowns=replace(state.unknowns, duty_cycle=tau))
        duty_cycle_error = 0.0 if clip is duty_cycle else clip.uncertainty
    if camera.transfer is None:  # flow and shutter hardly depend on it
        # As the brightest frame shows them: in a few dark values every curve is straight.
        bright = own_exposure(problem.frames, of_brightest(exposure, problem.continues))
        curve = find_transfer(bright, flow, problem.duty_cycle, path, problem.continues, problem.trust)
        problem, gamma_error = replace(problem, transfer=curve.transfer), curve.uncertainty
    return Found(problem, state, info, exposure, duty_cycle_error, gamma_error)


def first_flow(problem: Problem, start: Stage) -> tuple[State, Info]:
    """After the first stage, which gives the flow; no other unknown is there yet.

    Raises `InputError` if it gives none.
    """
    state = State(Unknowns(), shape=problem.size)
    try:
        state, info = start.run(state, problem)
    except MissingUnknown as error:
        raise InputError(f"{error}: the schedule begins with {start.name!r}; {BEGIN}") from error
    if "flow" not in state.unknowns:
        raise InputError(f"the schedule begins with {start.name!r}, which gives no flow; {BEGIN}")
    return state, info


def with_enough_samples(problem: Problem, flow: Flow, least: int = 0) -> Problem:
    """The problem with as many reads per side of the exposure as paths of this flow need, and at `least` so many."""
    samples = max(samples_for(flow, problem.duty_cycle), least)
    return replace(problem, blur=problem.blur.with_samples(samples))
