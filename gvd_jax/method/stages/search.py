"""The flow searched anew in restored frames, where its last value would only be found again."""

import jax.numpy as jnp

from gvd_jax.method.believe import Confirmed
from gvd_jax.method.boundaries import adopt_nearby_flow
from gvd_jax.method.ends import extrapolate_ends, search_ends
from gvd_jax.method.occlusion import inside
from gvd_jax.method.problem import Info, Problem, State, observed
from gvd_jax.method.programs import brief_jit
from gvd_jax.method.stages.solve import terms_of
from gvd_jax.method.stages.start_flow import StartFlow
from gvd_jax.model.energy import Energy
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import Residual, data_residual
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.shapes import Flow
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.subproblem import frame_terms
from gvd_jax.trees import code, pytree, replace, static

_adopt = brief_jit(adopt_nearby_flow)


@brief_jit
def _better(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, found: Flow) -> Flow:
    """Frame by frame the flow, `found` or that of the unknowns, under which the terms of the block are less."""
    observation = replace(observation, visibility=inside(unknowns.flow, observation.continues))
    costs = [
        sum(frame_terms(block, energy, replace(unknowns, flow=flow), observation).values(), jnp.zeros((), flow.dtype))
        for flow in (found, unknowns.flow)
    ]
    return jnp.where((costs[0] < costs[1])[:, None, None, None, None], found, unknowns.flow)


@pytree
class Search:
    """Flow of the latent frames, coarse to fine from zero as by `start`, then of the places around every pixel.

    Where the flow at hand is a `rival`, it stays in every frame whose energy the one that is found does not lower.
    """

    start: StartFlow
    rival: bool = static(default=False)
    name: str = static(default="search")
    cost: float = static(default=1.2)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with the flow that is found."""
        unknowns, block = state.unknowns, self.start.block
        terms = terms_of(block, problem, state.shape)
        flow, status = self.start.find(unknowns.latent, problem)
        observation = observed(problem, state)
        flow = _adopt(block, terms, replace(unknowns, flow=flow), observation)
        if self.rival:
            flow = _better(block, terms, unknowns, observation, flow)
        return replace(state, unknowns=replace(unknowns, flow=flow)), Info({}, status=status)


@pytree
class SearchEnds:
    """Find the motion before the first and after the last frame, which only their own blur shows, by `residual`;
    `believe` says how far neighbours and pixels are believed."""

    believe: Confirmed
    residual: Residual = code(default=data_residual)
    name: str = static(default="ends")
    cost: float = static(default=0.5)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with another acceleration of the ends."""
        return replace(state, unknowns=replace(state.unknowns, flow=_search_ends(self, problem, state))), Info({})


@brief_jit
def _search_ends(stage: SearchEnds, problem: Problem, state: State) -> Flow:
    observation = stage.believe(state.unknowns, observed(problem, state))
    return search_ends(state.unknowns, problem.unknowns, observation, stage.residual)


@pytree
class GuessEnds:
    """Let the ends keep the acceleration of the frame next to them: until it is searched, nothing more is known."""

    name: str = static(default="guess ends")
    cost: float = static(default=0.0)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with extrapolated ends."""
        return replace(
            state, unknowns=replace(state.unknowns, flow=extrapolate_ends(state.unknowns.flow, problem.continues))
        ), Info({})
