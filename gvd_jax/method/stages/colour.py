"""The last solve: latent frames in colour, channel by channel, by the program of the gray ones."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.believe import Confirmed
from gvd_jax.method.data_weight import clipping_confidence, residual_worth, squared_residual
from gvd_jax.method.noise import noise_level
from gvd_jax.method.problem import Info, Problem, State, energies, gray_of, observed
from gvd_jax.method.programs import brief_jit, is_traced
from gvd_jax.method.stages.solve import solve_block, terms_of
from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.subproblem import BlockInfo, BlockOptions
from gvd_jax.trees import pytree, replace, static


@brief_jit
def _seen(believe: Confirmed, problem: Problem, state: State) -> tuple[Observation, jax.Array]:
    """What is observed of the gray, before its own weight; and how far a pixel is believed by what is clipped and
    hidden."""
    observation = believe.see(state.unknowns, observed(problem, state))
    return observation, clipping_confidence(observation.blurry, believe.clipped) * observation.confidence


@brief_jit
def _doubted(believe: Confirmed, problem: Problem, state: State, observation: Observation) -> Observation:
    """What is observed, in frames whose codec does not say what it lost as far as the gray found so far explains it."""
    # A defocus was read off the gray, which was found without: under it the gray explains nothing yet.
    unknowns = Unknowns(**{name: state.unknowns[name] for name in state.unknowns if name != "defocus"})
    light = observation.blur(problem.transfer.to_linear(unknowns.latent), unknowns, observation)
    residual = squared_residual(observation.blurry, problem.transfer.to_display(light), problem.trust)
    noise = noise_level(observation.blurry[..., 0], problem.continues)
    worth = residual_worth(residual, noise, believe.model_error)
    unsaid = problem.unsaid[:, None, None]
    return replace(observation, confidence=observation.confidence * (1 - unsaid + unsaid * worth))


@brief_jit
def _channel(
    believe: Confirmed, unknowns: Unknowns, gray: Observation, frames: jax.Array, number: Any
) -> tuple[Unknowns, Observation]:
    """Where the solve of one channel of the clip starts, as the blurry channel under the restored gray; and what is
    observed of it."""
    blurry = jax.lax.dynamic_slice_in_dim(frames, number, 1, -1)
    start = replace(unknowns, latent=jnp.clip(blurry + unknowns.latent - gray.blurry, 0, 1))
    return start, believe.weigh(replace(gray, blurry=blurry))


@brief_jit
def _joined(solved: list[tuple[jax.Array, BlockInfo]]) -> tuple[jax.Array, BlockInfo]:
    """The frames of all channels, and how their solves went, stacked."""
    latent = jnp.clip(jnp.concatenate([channel for channel, _ in solved], -1), 0, 1)
    return latent, jax.tree.map(lambda *parts: jnp.stack(parts), *(info for _, info in solved))


@pytree
class ToColour:
    """Put the restored gray under the colours of the blurry frames: a `Solve` behind it takes all channels at once."""

    name: str = static(default="to colour")
    cost: float = static(default=0.0)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with latent frames in colour."""
        latent = jnp.clip(problem.frames + state.unknowns.latent - gray_of(problem), 0, 1)
        return replace(state, unknowns=replace(state.unknowns, latent=latent)), Info({})


@pytree
class SolveChannels:
    """Solve the latent block for every channel of the clip, under the flow that is found.

    A total variation that joins the channels gains nothing over one of each. Terms find the gray frames restored so far
    as `unknowns.gray`; those of `colour_terms` are left out of a clip in gray, which has nothing else. `fresh` starts
    from the blurry frames, for a draft has another prior.
    """

    block: Block
    options: BlockOptions
    believe: Confirmed
    colour_terms: tuple[str, ...] = static(default=())
    fresh: bool = static(default=False)
    name: str = static(default="colour")
    cost: float = static(default=2.6)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with latent frames in colour, and its confidence."""
        count = problem.frames.shape[-1]
        block = self.block if count > 1 else self.block.without(*self.colour_terms)
        observation, confidence = _seen(self.believe, problem, state)
        if not is_traced(problem.unsaid) and np.asarray(problem.unsaid).any():  # most clips save the program
            observation = _doubted(self.believe, problem, state, observation)
        start = state.unknowns
        if self.fresh:
            start = replace(start, latent=observation.blurry)
        if self.colour_terms and count > 1:
            start = replace(start, gray=state.unknowns.latent)
        terms, solved = terms_of(block, problem, state.shape), []
        for number in range(count):
            own, seen = _channel(self.believe, start, observation, problem.frames, number)
            solved.append(solve_block(block, terms, own, seen, self.options))
        latent, info = _joined(solved)
        state = State(replace(state.unknowns, latent=latent), confidence, state.shape)
        return state, Info(energies(problem, state), info)
