"""One subproblem on one level (steps 3-5 of Algorithm 1)."""

from typing import Any

import jax

from gvd_jax.method.believe import Confirmed, Inside
from gvd_jax.method.problem import Info, Problem, State, blurry_at, energies, observed, on_level
from gvd_jax.method.programs import brief_jit, lean_jit
from gvd_jax.model.energy import Energy
from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import Unknown, Unknowns
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.subproblem import BlockInfo, BlockOptions, solve_subproblem
from gvd_jax.trees import pytree, replace, static


def _solve_block(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> tuple[jax.Array, BlockInfo]:
    solved, info = solve_subproblem(block, energy, unknowns, observation, options)
    return solved[block.unknown.name], info


_by_duals, _by_conjugate_gradients = lean_jit(_solve_block), brief_jit(_solve_block)


def solve_block(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> tuple[jax.Array, BlockInfo]:
    """The block's unknown; the others would only be copied. And how it went."""
    program = _by_duals if block.dual else _by_conjugate_gradients
    return program(block, energy, unknowns, observation, options)


@brief_jit
def _observation(believe: Any, problem: Problem, state: State) -> Observation:
    return believe(state.unknowns, observed(problem, state))


def terms_of(block: Block, problem: Problem, shape: tuple[int, int]) -> Energy:
    """The terms that the block feels, on a level: so that others change nothing of its program."""
    return on_level({name: term for name, term in problem.energy.items() if name in block.roles}, shape)


@pytree
class Solve:
    """Solve a block; `believe` says what is believed of neighbours and pixels meanwhile."""

    name: str = static()
    block: Block
    options: BlockOptions = BlockOptions()
    believe: Inside | Confirmed = Inside()
    cost: float = static(default=0.8)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with the block's unknown solved for."""
        # Three programs for one subproblem, for the outer two serve several.
        observation = _observation(self.believe, problem, state)
        terms = terms_of(self.block, problem, state.shape)
        solution, info = solve_block(self.block, terms, state.unknowns, observation, self.options)
        state = replace(state, unknowns=replace(state.unknowns, **{self.block.unknown.name: solution}))
        return state, Info(energies(problem, state), info)


@pytree
class Afresh:
    """Let an unknown start again, as declared: what it has taken over from earlier values of others would speak for
    them."""

    unknown: Unknown
    name: str = static(default="afresh")
    cost: float = static(default=0.0)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with the unknown at its start."""
        first = self.unknown.first(blurry_at(problem, state.shape))
        return replace(state, unknowns=replace(state.unknowns, **{self.unknown.name: first})), Info({})
