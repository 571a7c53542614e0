"""What a run solves, and what one stage hands to the next."""

import dataclasses
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp

from gvd_jax.method.programs import brief_jit
from gvd_jax.model.axes import change_held
from gvd_jax.model.blur import Blur
from gvd_jax.model.energy import Energy, term_value
from gvd_jax.model.observation import Observation, observe
from gvd_jax.model.unknowns import MissingUnknown, Unknown, Unknowns
from gvd_jax.ops.resize import resize_frames, resize_map
from gvd_jax.ops.transfer import Transfer
from gvd_jax.shapes import Array, Continues, DutyCycle, Float, Frames
from gvd_jax.solve.subproblem import BlockInfo
from gvd_jax.trees import pytree, replace, static

Shape = tuple[int, int]


@pytree
class Problem:
    """The clip, its camera, and the model that explains it: the same for all stages.

    `frames` [T, H, W, C] display values of one exposure at full size; `duty_cycle` [T]; `transfer` the camera curve;
    `energy` all terms; `blur` the blur model at full size; `unknowns` every declared unknown;
    `continues` [T] is 1 where the next frame goes on with the scene, 0 before a cut and at the end;
    `trust` [T, H, W], in [0, 1], how far the frames show the scene, 0 where something stands before it; `unsaid` [T] is
    1 where a codec lost something and does not say how much, else 0.
    """

    frames: Frames
    duty_cycle: DutyCycle
    transfer: Transfer
    energy: Energy
    blur: Blur
    unknowns: tuple[Unknown, ...]
    continues: Continues
    trust: Float[Array, "T H W"]
    unsaid: Float[Array, "T"]

    @property
    def size(self) -> Shape:
        """(H, W) at full size."""
        return self.frames.shape[1], self.frames.shape[2]


@pytree
class State:
    """What the next stage needs: the unknowns that there are by now, in pixels of a level of `shape` (H, W).

    `confidence` [T, H, W] says how far a blurry pixel was believed by the last stage that asked.
    """

    unknowns: Unknowns
    confidence: Float[Array, "T H W"] | None = None
    shape: Shape = static(default=(0, 0))


@pytree
class Info:
    """What a human wants to know of a stage: every term of the energy after it, how a subproblem went, the result codes
    of those that are not shown, and numbers that it has measured, by names that say their units."""

    energy: dict[str, Any]
    solve: BlockInfo | None = None
    status: Array | None = None
    measured: dict[str, Any] = dataclasses.field(default_factory=dict)


@runtime_checkable
class Stage(Protocol):
    """One step of the method: a pytree with its own settings, whose numbers are traced."""

    @property
    def name(self) -> str:
        """What it does, for a human, and by which it is found in a schedule."""
        ...

    @property
    def cost(self) -> float:
        """Seconds per pixel of its level, relative to the others: it drives progress bars."""
        ...

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """Carry the state one step on. Pure: `jit`, `vmap` and `grad` apply."""
        ...


@brief_jit
def gray_of(problem: Problem) -> Float[Array, "T H W 1"]:
    """The gray blurry frames: display values of the luma of the light."""
    return problem.transfer.gray(problem.frames)


@brief_jit
def _gray_latent(problem: Problem, latent: Frames) -> Float[Array, "T H W 1"]:
    return problem.transfer.gray(jnp.clip(latent, 0, 1))


@partial(brief_jit, static_argnames=("shape",))
def blurry_at(problem: Problem, shape: Shape) -> Float[Array, "T a b 1"]:
    """The gray blurry frames on a level. They shrink in linear light: there a small blur remains of a large one."""
    gray = gray_of(problem)
    if gray.shape[1:3] == shape:
        return gray
    transfer = problem.transfer
    return jnp.clip(transfer.to_display(resize_frames(transfer.to_linear(gray), *shape)), 0, 1)


def on_level(tree: Any, shape: Shape) -> Any:
    """Terms, operators or stages with all that they hold per pixel on a level."""
    return change_held(tree, lambda how, x: how.on_level(x, *shape))


@brief_jit
def observed(problem: Problem, state: State) -> Observation:
    """The blurry frames on the level of the state, in colour if the latent ones are; everything is believed."""
    colour = "latent" in state.unknowns and state.unknowns.latent.shape[-1] > 1
    blurry = problem.frames if colour else blurry_at(problem, state.shape)
    blur = on_level(problem.blur, state.shape).at_level(state.shape[0] / problem.size[0])
    observation = observe(blurry, duty_cycle_of(problem, state), blur, problem.transfer, problem.continues)
    return replace(observation, confidence=resize_map(problem.trust, *state.shape))


def finds_duty_cycle(problem: Problem) -> bool:
    """Whether a duty cycle that is not given is an unknown that a stage finds; one with a start is solved for."""
    return any(unknown.name == "duty_cycle" and unknown.start is None for unknown in problem.unknowns)


def duty_cycle_of(problem: Problem, state: State) -> DutyCycle:
    """tau of every frame, as far as it is known."""
    return state.unknowns.duty_cycle if "duty_cycle" in state.unknowns else problem.duty_cycle


@brief_jit
def finite(unknowns: Unknowns) -> dict[str, Array]:
    """Whether every unknown is, in all its numbers."""
    return {name: jnp.isfinite(unknowns[name]).all() for name in unknowns}


def energies(problem: Problem, state: State) -> dict[str, Any]:
    """Every term of the energy whose unknowns there are: one function of the unknowns for all stages of a level.

    What a stage believes less, it believes less for itself: here all neighbours and pixels count. Latent frames in
    colour are judged in gray.
    """
    unknowns = state.unknowns
    if unknowns.latent.shape[-1] > 1:
        unknowns = replace(unknowns, latent=_gray_latent(problem, unknowns.latent))
    return _energies(problem, State(unknowns, shape=state.shape))  # of one structure: so one program serves a level


@brief_jit
def _energies(problem: Problem, state: State) -> dict[str, Any]:
    observation, found = observed(problem, state), {}
    for name, term in on_level(problem.energy, state.shape).items():
        try:
            found[name] = term_value(term, state.unknowns, observation)
        except MissingUnknown:
            continue
    return found


@partial(brief_jit, static_argnames=("shape",))
def to_level(problem: Problem, state: State, shape: Shape) -> State:
    """Algorithm 1, step 7: the state on another level, flow and defocus in its pixels."""
    declared = {unknown.name: unknown for unknown in problem.unknowns}
    moved = {
        name: declared[name].to_level(value, declared[name].axes, *shape)
        for name, value in ((name, state.unknowns[name]) for name in state.unknowns)
    }
    return State(Unknowns(**moved), None, shape)


@partial(brief_jit, static_argnames=("shape",))
def first_state(problem: Problem, state: State, shape: Shape) -> State:
    """The state with every unknown that has a start, which begins on this level (section 4.1)."""
    gray = blurry_at(problem, shape)
    starts = {u.name: u.first(gray) for u in problem.unknowns if u.start is not None and u.name not in state.unknowns}
    state = to_level(problem, state, shape)
    return replace(state, unknowns=replace(state.unknowns, **starts))
