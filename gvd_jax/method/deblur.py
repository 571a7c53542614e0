"""Algorithm 1: the whole method as a fold over the stages of a schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.method.camera import Found, Shutter, find_camera, first_flow, with_enough_samples
from gvd_jax.method.config import Config
from gvd_jax.method.duty_cycle import FoundDutyCycle
from gvd_jax.method.exposure_change import own_exposure
from gvd_jax.method.inputs import check_duty_cycle, check_flow, check_frames, check_held, check_traceable
from gvd_jax.method.pictures import between_pictures, frames_of, pictures_of
from gvd_jax.method.problem import Info, Problem, State, duty_cycle_of, finite, first_state
from gvd_jax.method.programs import compiled_ahead, give_back, make_room
from gvd_jax.method.promises import check_blur
from gvd_jax.method.run_stage import foresee, run_stage
from gvd_jax.method.schedule import Planned, plan
from gvd_jax.method.stages.duty_cycle import DUTY_CYCLE_ERROR
from gvd_jax.method.still_layer import Scene, find_scene, original_where_kept
from gvd_jax.method.timeline import Timeline, find_timeline, plain_timeline
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.platform import placed
from gvd_jax.ops.transfer import NONE, Transfer
from gvd_jax.ops.warp import one_shot
from gvd_jax.progress import Hook, Progress, Recorder
from gvd_jax.shapes import Array, DefocusMap, DutyCycle, Float, Flow, Frames, Scalar
from gvd_jax.solve.status import Status
from gvd_jax.trees import replace


@dataclass(frozen=True)
class FoundCamera:
    """Of a clip: `transfer` the curve from display values to light, `duty_cycle` tau of every frame, [T], and
    `exposure` the gain and the offset of every frame, [T, 2], in display values.

    The errors are standard deviations of the duty cycle, of "per-frame" ones that of their mean, and of the gamma of
    the curve; 0 of what was given.
    """

    transfer: Transfer
    duty_cycle: DutyCycle
    exposure: Float[Array, "T 2"]
    duty_cycle_error: float = 0.0
    gamma_error: float = 0.0


@dataclass(frozen=True)
class Result:
    """What `deblur` gives. All T frames are restored; maps are in pixels of the input.

    `unknowns` holds all that was solved for, among it `latent` [T, H, W, C], display values in [0, 1]; `flow`
    [T, 2, H, W, 2] pixels per frame interval; `defocus` [T, H, W] standard deviation in pixels, 0 where everything was
    in focus. `confidence` [T, H, W] in [0, 1], how far a blurry pixel was believed in the end, by what is clipped and
    hidden; `camera` what was given or found of the camera; `history` every step that was taken; `timeline` which
    frames repeat a picture, where cuts are and what stands alone; `still` [T, H, W] is 1 where something stands
    before a scene that moves, such as a subtitle, and was kept as it is; `status` the worst result code of the steps.
    """

    unknowns: Unknowns
    confidence: Float[Array, "T H W"]
    camera: FoundCamera
    history: tuple[Progress, ...]
    timeline: Timeline
    still: Float[Array, "T H W"]

    @property
    def latent(self) -> Frames:
        """The restored frames."""
        return self.unknowns.latent

    @property
    def flow(self) -> Flow:
        """To the next frame, [:, 0], and to the previous one, [:, 1]."""
        return self.unknowns.flow

    @property
    def defocus(self) -> DefocusMap:
        """Of the Gaussian, or of the disc."""
        return self.unknowns.defocus if "defocus" in self.unknowns else jnp.zeros_like(self.confidence)

    @property
    def duty_cycle(self) -> DutyCycle:
        """That of the camera."""
        return self.camera.duty_cycle

    @property
    def status(self) -> Status:
        """Of all solves."""
        return max((step.status for step in self.history if step.status is not None), default=Status.CONVERGED)


def make_problem(frames: Frames, duty_cycle: DutyCycle | Scalar | float, config: Config) -> Problem:
    """The problem of a clip without a cut under settings; where the curve is to be chosen it is none yet."""
    ones, zeros = np.ones(frames.shape[:3]), np.zeros(len(frames))
    whole = one_shot(len(frames), frames.dtype), *(placed(part, frames.dtype) for part in (ones, zeros))
    tau = jnp.broadcast_to(jnp.asarray(duty_cycle, frames.dtype), (frames.shape[0],))
    return Problem(frames, tau, config.camera.transfer or NONE, config.energy, config.blur, config.unknowns, *whole)


def deblur_pure(
    frames: Frames, duty_cycle: DutyCycle | Scalar | float, config: Config, start: Flow | None = None
) -> Unknowns:
    """The whole method as one pure function: `jit`, `vmap` and `grad` go all the way through.

    `frames` [T, H, W, C] display values in [0, 1], T >= 2; `duty_cycle` tau, a scalar or [T]; the samples of the
    motion blur of `config` are its reads per side of the exposure at full size: one per 1.8 pixels of the largest
    tau |u| suffice. `start` is a flow to start from, instead of that of the first stage. Nothing is checked, and
    nothing found out beforehand: without a transfer there is no curve, and exposures should be even. Returns all
    unknowns, the latent frames in display values.
    """
    check_traceable(frames, duty_cycle)
    return run_schedule(make_problem(frames, duty_cycle, config), config, start)[0]


def run_schedule(problem: Problem, config: Config, start: Flow | None) -> tuple[Unknowns, Array]:
    """The unknowns after all stages, of which `start` takes the place of the first; and the worst result code."""
    first, *rest = plan(config.schedule, problem.size)
    state = State(Unknowns() if start is None else Unknowns(flow=start), shape=problem.size)
    infos = [Info({})]
    if start is None:
        state, infos[0] = first_flow(problem, first.stage)
    state = first_state(problem, state, rest[0].shape)
    for planned in rest:
        state, info = run_stage(planned, state, problem)
        infos.append(info)
    codes = [info.status if info.solve is None else info.solve.status for info in infos]
    worst = [jnp.max(code) for code in codes if code is not None]
    return state.unknowns, jnp.max(jnp.stack(worst)) if worst else jnp.zeros((), int)


def deblur(
    frames: Any,
    duty_cycle: float | Sequence[float] | Literal["auto", "per-frame"] = "auto",
    config: Config | None = None,
    flow: Any = None,
    hooks: Sequence[Hook] = (),
) -> Result:
    """Restore every frame of a clip (Algorithm 1).

    At a cut a shot ends, as a clip does. A picture that several frames show is restored once: stages and hooks see the
    distinct pictures. One that no neighbour explains is kept as it is.

    `frames` [T, H, W, C], C = 1 or 3, display values in [0, 1], T >= 2. `duty_cycle` is tau = exposure / (2 frame
    interval), 0 <= tau <= 0.5, for the clip or for every frame; "auto" finds one for the clip, "per-frame" one per
    frame. `flow` [T, 2, H, W, 2], in pixels per frame interval to the next and the previous frame, is one from
    elsewhere: the method starts from it, and keeps it in every frame whose energy its own search does not lower.
    `hooks` are called with a `Progress` after every step and change nothing. Raises `InputError` for frames, a duty
    cycle or a flow that cannot be worked with, and where the energy is not finite or a term is not what it was declared
    to be.
    """
    config = Config.default() if config is None else config
    if not isinstance(config, Config):
        raise InputError(f"config is {config!r}; give a Config, for instance Config.fast()")
    frames = check_frames(frames)
    check_held(config, frames.shape[:3])
    given = check_duty_cycle(duty_cycle, frames.shape[0])
    flow = None if flow is None else check_flow(flow, frames.shape)
    timeline = find_timeline(np.asarray(frames))
    starts = np.array(timeline.starts)
    frames, config = frames_of(frames, timeline), pictures_of(config, timeline)
    given = given if isinstance(given, str) else given[starts]
    config = config if flow is None else config.with_flow(between_pictures(flow, timeline))
    scene = find_scene(frames, timeline.links(frames.dtype), rests=timeline.rests)
    return in_frames(restore_scene(scene, given, config, hooks), timeline, config)


def restore_scene(
    scene: Scene,
    duty_cycle: Shutter,
    config: Config,
    hooks: Sequence[Hook],
    least: int = 0,
) -> Result:
    """`deblur` of distinct pictures, by at `least` so many reads per side of an exposure; `config` is cut to them."""
    if not np.asarray(scene.continues).any():
        return untouched(scene, duty_cycle, config)
    recorder = record(scene.frames, config, hooks)
    found = find_start(scene, duty_cycle, config)
    problem = with_enough_samples(found.problem, found.state.unknowns.flow, least)
    return put_back(restore(replace(found, problem=problem), config, recorder), scene)


def put_back(result: Result, scene: Scene) -> Result:
    """The result with what was not to change as it was."""
    latent = original_where_kept(result.latent, result.camera.exposure, placed(result.timeline.continues), scene)
    return replace(result, unknowns=replace(result.unknowns, latent=latent), still=scene.layer)


def untouched(scene: Scene, duty_cycle: Shutter, config: Config) -> Result:
    """Of pictures that each stand alone: they are what they were."""
    count, height, width, _ = scene.original.shape
    tau = jnp.zeros(count) if isinstance(duty_cycle, str | FoundDutyCycle) else duty_cycle
    unknowns = Unknowns(latent=scene.original, flow=jnp.zeros((count, 2, height, width, 2)))
    even = jnp.broadcast_to(jnp.array([1.0, 0.0]), (count, 2))
    camera = FoundCamera(config.camera.transfer or NONE, tau, even)
    apart = Timeline(count, tuple(range(count)), (False,) * count)
    return Result(unknowns, jnp.ones((count, height, width)), camera, (), apart, jnp.zeros((count, height, width)))


def in_frames(result: Result, timeline: Timeline, config: Config) -> Result:
    """What was found of the distinct pictures, for all frames that show them."""
    timeline = replace(timeline, continues=result.timeline.continues)
    if timeline.pictures == timeline.count:
        return replace(result, timeline=timeline)
    axes = {unknown.name: unknown.axes for unknown in config.unknowns}

    def shown(x: Array, axes: str) -> Array:
        return jnp.repeat(x, timeline.shown, 0) if axes.split()[:1] == ["T"] else x

    unknowns = {name: shown(result.unknowns[name], axes[name]) for name in result.unknowns}
    camera, confidence = result.camera, shown(result.confidence, "T H W")
    camera = replace(camera, duty_cycle=shown(camera.duty_cycle, "T"), exposure=shown(camera.exposure, "T 2"))
    maps = {"confidence": confidence, "still": shown(result.still, "T H W")}
    return replace(result, unknowns=Unknowns(**unknowns), camera=camera, timeline=timeline, **maps)


def find_start(scene: Scene, duty_cycle: Shutter, config: Config) -> Found:
    """What is found out of a clip before it is restored."""
    make_room()
    given = not isinstance(duty_cycle, str | FoundDutyCycle)
    tau = duty_cycle if given else placed(np.zeros(len(scene.frames)), scene.frames.dtype)
    problem = make_problem(scene.frames, tau, config)
    problem = replace(problem, continues=scene.continues, trust=scene.trust, unsaid=scene.unsaid)
    return find_camera(problem, config.camera, plan(config.schedule, problem.size)[0].stage, duty_cycle)


def record(frames: Frames, config: Config, hooks: Sequence[Hook]) -> Recorder:
    """Begins to record how `frames` are restored."""
    return Recorder(hooks, sum(planned.cost for planned in plan(config.schedule, (frames.shape[1], frames.shape[2]))))


def restore(found: Found, config: Config, recorder: Recorder) -> Result:
    """Restore a clip of which everything is found out, by all stages but the first."""
    problem, state = found.problem, found.state
    first, *rest = plan(config.schedule, problem.size)
    levels = rest[-1].level + 1
    started = _progress(replace(first, level=levels - 1), levels, state, found.info)
    recorder.add(replace(started, unknowns=None), first.cost)
    give_back()
    with compiled_ahead(partial(foresee, tuple(rest)), problem, state):
        state = first_state(problem, state, rest[0].shape)
        check_blur(problem, state)
        for planned in rest:
            state, info = run_stage(planned, state, problem)
            recorder.add(_progress(planned, levels, state, info), planned.cost)
            give_back()
    if state.unknowns.latent.shape != problem.frames.shape:
        raise InputError(
            f"the schedule ended with latent frames of shape {state.unknowns.latent.shape}, and the clip has "
            f"{problem.frames.shape}: end it at full size, with SolveChannels or behind ToColour"
        )
    unknowns = replace(state.unknowns, latent=own_exposure(state.unknowns.latent, found.exposure))
    confidence = placed(np.ones(problem.frames.shape[:3], np.float32)) if state.confidence is None else state.confidence
    errors = [step.measured[DUTY_CYCLE_ERROR] for step in recorder.history if DUTY_CYCLE_ERROR in step.measured]
    camera = FoundCamera(
        problem.transfer,
        duty_cycle_of(problem, state),
        found.exposure,
        errors[-1] if errors else float(found.duty_cycle_error),
        float(found.gamma_error),
    )
    linked = tuple((np.asarray(problem.continues) > 0).tolist())
    timeline = replace(plain_timeline(len(confidence)), continues=linked)
    nothing = placed(np.zeros(confidence.shape, np.float32))
    return Result(unknowns, confidence, camera, tuple(recorder.history), timeline, nothing)


def _progress(planned: Planned, levels: int, state: State, info: Info) -> Progress:
    """A finished stage, if its numbers are such; else `InputError`."""
    name, (height, width) = planned.stage.name, planned.shape
    place = f"the stage {name!r} on level {planned.level + 1} of {levels} ({width}x{height})"
    energy = {term: float(part) for term, part in info.energy.items()}
    solve = jax.tree.map(np.asarray, info.solve)
    codes = info.status if solve is None else solve.status
    status = None if codes is None else Status(int(np.max(np.asarray(codes))))
    spoilt = [name for name, whole in finite(state.unknowns).items() if not whole] if solve is None else []
    if spoilt:  # that of a solve says which term it is
        raise InputError(f"{place} ended with NaN or infinity in the unknown {spoilt[0]!r}")
    # What was lost before the solve has spoilt the rest.
    parts = [] if solve is None else [*solve.before.items(), *solve.after.items()]
    lost = [term for term, part in (*parts, *energy.items()) if not np.isfinite(np.ravel(part)[:1]).all()]
    if lost or status is Status.NOT_FINITE:
        what = f"the term {lost[0]!r}" if lost else "an unknown"
        raise InputError(
            f"{place} ended with NaN or infinity in {what}; look for a weight, a residual or a blur that has them"
        )
    if status is Status.NOT_PER_PIXEL:
        raise InputError(f"{place} {status.message}; give those terms the role Linearised() without PerPixel()")
    measured = {what: float(number) for what, number in info.measured.items()}
    where = planned.level, levels, planned.shape
    return Progress(name, *where, 0.0, 0.0, energy, state.unknowns, solve, status=status, measured=measured)
