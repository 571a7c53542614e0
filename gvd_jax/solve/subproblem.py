"""One solver for the latent, flow and defocus subproblems (Eqs. 9-17).

`init / step / run`: a step builds the convex model of its block around the current unknowns, solves it by primal-dual
iterations, and keeps the result only if the true energy of the block has not risen.
"""

from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.pdhg import Problem, Steps, solve, zero_duals
from gvd_jax.model.energy import Energy, term_value
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.shapes import Scalar
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.linearise import Linearisation, affine, gauss_newton, quadratic
from gvd_jax.trees import pytree, replace, static


@pytree
class BlockOptions:
    """How a block is solved. `radius` bounds the change per linearisation (pixels for flow and defocus)."""

    steps: Steps = Steps()
    radius: Any = 1.0
    lower: Any = -jnp.inf
    upper: Any = jnp.inf
    linearisations: int = static(default=1)
    linearisation: Linearisation = static(default=gauss_newton)


@pytree
class BlockState:
    """What the next step needs: unknowns, duals, and the radius within which the convex model is trusted."""

    unknowns: Unknowns
    duals: tuple[Any, ...]
    radius: jax.Array


@pytree
class BlockInfo:
    """What a human wants to know of a step: the block's true energy before and after, and whether it was kept."""

    before: Scalar
    after: Scalar
    accepted: jax.Array


def block_energy(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation) -> Scalar:
    """True energy of the terms that the block touches."""
    return sum(  # pyright: ignore[reportReturnType]
        term_value(energy[name], unknowns, observation) for name in block.terms
    )


def convex_model(
    block: Block, energy: Energy, state: BlockState, observation: Observation, options: BlockOptions
) -> Problem:
    """The convex problem around `state`, within its box."""
    unknowns = state.unknowns
    exact = tuple(quadratic(energy[name], block, unknowns, observation) for name in block.quadratic)
    linearised = [energy[name] for name in block.linearised]
    models, linear_cost = options.linearisation(linearised, block, unknowns, observation)
    here = getattr(unknowns, block.unknown)
    return Problem(
        quadratic=exact + models,
        dual=tuple(affine(energy[name], block, unknowns, observation) for name in block.dual),
        linear_cost=linear_cost,
        lower=jnp.maximum(options.lower, here - state.radius),
        upper=jnp.minimum(options.upper, here + state.radius),
    )


def init(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> BlockState:
    """Start from the given unknowns with zero duals."""
    radius = jnp.asarray(options.radius, unknowns.latent.dtype)
    state = BlockState(unknowns, (), radius)
    duals = zero_duals(convex_model(block, energy, state, observation, options), getattr(unknowns, block.unknown))
    return replace(state, duals=duals)


def step(
    block: Block, energy: Energy, state: BlockState, observation: Observation, options: BlockOptions
) -> tuple[BlockState, BlockInfo]:
    """Linearise, solve, and keep the result if the true energy has not risen; a rejected step halves the radius."""
    problem = convex_model(block, energy, state, observation, options)
    start = getattr(state.unknowns, block.unknown)
    x, duals = solve(problem, start, state.duals, options.steps)
    proposal = replace(state.unknowns, **{block.unknown: x})
    before = block_energy(block, energy, state.unknowns, observation)
    after = block_energy(block, energy, proposal, observation)
    accepted = after <= before
    proposed = BlockState(proposal, duals, state.radius)
    rejected = replace(state, radius=state.radius / 2)
    kept = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), proposed, rejected)
    return kept, BlockInfo(before, jnp.where(accepted, after, before), accepted)


def run(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> tuple[Unknowns, BlockInfo]:
    """`options.linearisations` steps; the info stacks theirs."""
    start = init(block, energy, unknowns, observation, options)

    def body(state, _):
        return step(block, energy, state, observation, options)

    state, info = jax.lax.scan(body, start, None, length=options.linearisations)
    return state.unknowns, info
