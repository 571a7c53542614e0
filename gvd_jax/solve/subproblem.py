"""One solver for the latent, flow and defocus subproblems (Eqs. 9-17).

`init / step / run`: a step builds the convex model of its block around the current unknowns, solves it by primal-dual
iterations, and goes towards the solution as far as the true energy falls, every frame by a length of its own.
"""

from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.pdhg import Problem, Steps, solve
from gvd_jax.convex.quadratic import at_pixels
from gvd_jax.model.energy import Energy, cost_over
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.shapes import Array, Float, Scalar
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


# Of the way to the solution of the convex model. All of it first, for what falls most in one step is not what leads on.
LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.0)


@pytree
class BlockState:
    """What the next step needs: unknowns and duals."""

    unknowns: Unknowns
    duals: tuple[Any, ...]


@pytree
class BlockInfo:
    """What a human wants to know of a step: the block's true energy before and after, and how far each frame went."""

    before: Scalar
    after: Scalar
    length: Float[Array, "T"]


def frame_energy(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation) -> Float[Array, "T"]:
    """True energy of the terms that the block touches, by frame."""
    return cost_over((energy[name] for name in block.terms), unknowns, observation, unknowns.latent.shape[:1])


def convex_model(
    block: Block, energy: Energy, state: BlockState, observation: Observation, options: BlockOptions
) -> Problem:
    """The convex problem around `state`, within its box, in the planes of the unknown."""
    unknowns = state.unknowns
    here = block.to_planes(getattr(unknowns, block.unknown))
    squares = tuple(quadratic(energy[name], block, unknowns, observation) for name in block.quadratic)
    terms = [energy[name] for name in block.linearised]
    models, linear_cost = options.linearisation(terms, block, unknowns, observation)
    pointwise = tuple(quadratic(energy[name], block, unknowns, observation) for name in block.pointwise)
    return Problem(
        quadratic=squares + models + ((at_pixels(pointwise, here),) if pointwise else ()),
        dual=tuple(affine(energy[name], block, unknowns, observation) for name in block.dual),
        linear_cost=linear_cost,
        lower=jax.tree.map(lambda x: jnp.maximum(options.lower, x - options.radius), here),
        upper=jax.tree.map(lambda x: jnp.minimum(options.upper, x + options.radius), here),
    )


def init(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation) -> BlockState:
    """Start from the given unknowns with zero duals."""
    residuals = tuple(jax.eval_shape(energy[name].residual, unknowns, observation) for name in block.dual)
    return BlockState(unknowns, jax.tree.map(jnp.zeros_like, residuals))


def step(
    block: Block, energy: Energy, state: BlockState, observation: Observation, options: BlockOptions
) -> tuple[BlockState, BlockInfo]:
    """Linearise, solve, and go as far as pays.

    Without `linearised` terms that is all the way. With them a frame whose true energy would rise goes less far, and
    none moves if the sum would rise, for terms join the frames.
    """
    problem = convex_model(block, energy, state, observation, options)
    start = getattr(state.unknowns, block.unknown)
    solution, duals = solve(problem, block.to_planes(start), state.duals, options.steps)
    solution = block.from_planes(solution, start)

    def moved(length):
        towards = length.reshape(-1, *[1] * (start.ndim - 1)) * (solution - start)
        return replace(state.unknowns, **{block.unknown: start + towards})

    def cost(length):
        return frame_energy(block, energy, moved(length), observation)

    none, all_the_way = jnp.zeros(start.shape[0], start.dtype), jnp.ones(start.shape[0], start.dtype)
    if not block.linearised + block.pointwise:
        before, after = jax.lax.map(cost, jnp.stack([none, all_the_way]))
        return BlockState(moved(all_the_way), duals), BlockInfo(before.sum(), after.sum(), all_the_way)

    # One loop, so that the cost is compiled once: first of no step, then of shorter ones while a frame's energy rises.
    def attempt(state, trial):
        length, after, before = state
        rising = after > before

        def shorten():
            shorter = jnp.where(rising, trial, length)
            return shorter, cost(shorter)

        length, after = jax.lax.cond(rising.any(), shorten, lambda: (length, after))
        first = jnp.isneginf(before)
        return (length, jnp.where(first, jnp.inf, after), jnp.where(first, after, before)), None

    untried = (none, jnp.full_like(none, jnp.inf), jnp.full_like(none, -jnp.inf))
    (length, after, before), _ = jax.lax.scan(attempt, untried, jnp.asarray((0.0, *LENGTHS), start.dtype))
    falls = after.sum() <= before.sum()
    length, after = jnp.where(falls, length, none), jnp.where(falls, after, before)
    return BlockState(moved(length), duals), BlockInfo(before.sum(), after.sum(), length)


def run(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> tuple[Unknowns, BlockInfo]:
    """`options.linearisations` steps; the info stacks theirs."""
    start = init(block, energy, unknowns, observation)

    def body(state, _):
        return step(block, energy, state, observation, options)

    state, info = jax.lax.scan(body, start, None, length=options.linearisations)
    return state.unknowns, info
