"""One solver for the latent, flow and defocus subproblems (Eqs. 9-17).

`init / step / run`: a step builds the convex model of its block around the current unknowns, solves it by primal-dual
iterations, and goes towards the solution as far as the true energy falls, every frame by a length of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.pdhg import Problem, Steps, solve
from gvd_jax.convex.quadratic import at_pixels
from gvd_jax.errors import InputError
from gvd_jax.model.energy import Energy, cost_over
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.shapes import Array, Float, Scalar
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.linearise import Linearisation, affine, gauss_newton, is_affine, quadratic
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
    """What a human wants to know of a step.

    `before` and `after` are the block's true terms, by name; `length` how far each frame went towards the solution of
    the convex model, 0 where it stayed; `residual` [K] that of `pdhg.Solution`, one per iteration; `saturated` the
    share of each dual term's duals that are at their bound. `run` stacks the steps in front of all axes.
    """

    before: dict[str, Scalar]
    after: dict[str, Scalar]
    length: Float[Array, "T"]
    residual: Float[Array, "K"]
    saturated: dict[str, Scalar]


def frame_terms(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation
) -> dict[str, Float[Array, "T"]]:
    """The true terms that the block touches, by name and frame."""
    shape = unknowns.latent.shape[:1]
    return {name: cost_over((energy[name],), unknowns, observation, shape) for name in block.terms}


def _sum(terms: dict[str, jax.Array]) -> jax.Array:
    return sum(list(terms.values())[1:], next(iter(terms.values())))


def _check(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation) -> None:
    """Raise `InputError` for a declaration that cannot be."""
    for name in block.terms:
        if name not in energy:
            raise InputError(f"the {block.unknown} block declares a term {name!r}, which the energy does not have")
    for name in block.dual:
        if not is_affine(energy[name], block, unknowns, observation):
            raise InputError(
                f"the term {name!r} is not affine in the {block.unknown}, as a dual term must be: "
                "declare it linearised, or quadratic if it is nearly so"
            )


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
    """Start from the given unknowns with zero duals. Raises `InputError` for a block that the energy does not suit."""
    _check(block, energy, unknowns, observation)
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
    found = solve(problem, block.to_planes(start), state.duals, options.steps)
    solution = block.from_planes(found.x, start)
    saturated = dict(zip(block.dual, found.saturated, strict=True))

    def moved(length):
        towards = length.reshape(-1, *[1] * (start.ndim - 1)) * (solution - start)
        return replace(state.unknowns, **{block.unknown: start + towards})

    def cost(length):
        return frame_terms(block, energy, moved(length), observation)

    none, all_the_way = jnp.zeros(start.shape[0], start.dtype), jnp.ones(start.shape[0], start.dtype)
    if block.linearised + block.pointwise:
        length, before, after = _search_lengths(cost, none)
    else:
        length, costs = all_the_way, jax.lax.map(cost, jnp.stack([none, all_the_way]))
        before, after = ({name: cost[k] for name, cost in costs.items()} for k in (0, 1))
    before, after = ({name: cost.sum() for name, cost in costs.items()} for costs in (before, after))
    return BlockState(moved(length), found.duals), BlockInfo(before, after, length, found.residual, saturated)


def _search_lengths(cost: Callable[[jax.Array], dict[str, jax.Array]], none: jax.Array):
    """How far each frame goes, [T], and the `cost` there of no step and of this one, by term and frame."""

    # One loop, so that the cost is compiled once: first of no step, then of shorter ones while a frame's energy rises.
    def attempt(state, trial):
        length, after, before = state
        rising = _sum(after) > _sum(before)

        def shorten():
            shorter = jnp.where(rising, trial, length)
            return shorter, cost(shorter)

        length, after = jax.lax.cond(rising.any(), shorten, lambda: (length, after))
        first = jnp.isneginf(_sum(before))
        return (length, choose(first, infinite, after), choose(first, after, before)), None

    def choose(condition, x, y):
        return jax.tree.map(partial(jnp.where, condition), x, y)

    def everywhere(value):
        return jax.tree.map(lambda shape: jnp.full(shape.shape, value, shape.dtype), jax.eval_shape(cost, none))

    infinite = everywhere(jnp.inf)
    trials = jnp.asarray((0.0, *LENGTHS), none.dtype)
    (length, after, before), _ = jax.lax.scan(attempt, (none, infinite, everywhere(-jnp.inf)), trials)
    falls = _sum(after).sum() <= _sum(before).sum()
    return jnp.where(falls, length, none), before, choose(falls, after, before)


def run(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> tuple[Unknowns, BlockInfo]:
    """`options.linearisations` steps; the info stacks theirs."""
    state, info = run_to_state(block, energy, unknowns, observation, options)
    return state.unknowns, info


def run_to_state(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> tuple[BlockState, BlockInfo]:
    """`run`, with the duals."""
    start = init(block, energy, unknowns, observation)

    @jax.checkpoint
    def body(state, _):
        return step(block, energy, state, observation, options)

    return jax.lax.scan(body, start, None, length=options.linearisations)
