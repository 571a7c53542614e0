"""One solver for the latent, flow and defocus subproblems (Eqs. 9-17).

`init / step / run`: a step builds the convex model of its block around the current unknowns, solves it by primal-dual
iterations, and goes towards the solution as far as the true energy falls, every frame by a length of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.pdhg import ConvexProblem, Steps, solve
from gvd_jax.convex.quadratic import PixelTerm
from gvd_jax.errors import InputError, first_line
from gvd_jax.model.energy import Energy, cost_over
from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import MissingUnknown, Unknowns
from gvd_jax.shapes import Array, Float, Int, Number, Scalar
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.linearise import Point, affine
from gvd_jax.solve.status import Status
from gvd_jax.trees import pytree, static, tree_sum


@pytree
class BlockOptions:
    """How a block is solved: `radius` bounds the change per linearisation, in units of the unknown."""

    steps: Steps = Steps()
    radius: Number = 1.0
    linearisations: int = static(default=1)

    def __post_init__(self) -> None:
        if self.linearisations < 1:
            raise InputError(f"a block of {self.linearisations} linearisations solves nothing: give 1 or more")


# Of the way to the solution of the convex model. All of it first, for what falls most in one step is not what leads on.
LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.0)
CONVERGED = 1e-4  # of the energy: what the last iteration of a converged solve has still moved


@pytree
class BlockState:
    """What the next step needs: unknowns, and the duals by term."""

    unknowns: Unknowns
    duals: dict[str, Any]


@pytree
class BlockInfo:
    """What a human wants to know of a step.

    `before` and `after` are the block's true terms, by name; `length` how far each frame went towards the solution of
    the convex model, 0 where it stayed, one for all where the unknown is not one of frames; `residual` [K] that of
    `pdhg.Solution`, one per iteration; `saturated` the share of each dual term's duals that are at their bound;
    `status` the result code, a `Status`. `run` stacks the steps in front of all axes.
    """

    before: dict[str, Scalar]
    after: dict[str, Scalar]
    length: Float[Array, "T"]
    residual: Float[Array, "K"]
    saturated: dict[str, Scalar]
    status: Int[Array, ""]


def frame_terms(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation
) -> dict[str, Float[Array, "*T"]]:
    """The true terms that the block feels, by name and frame; sums where its unknown is not one of frames."""
    shape = observation.blurry.shape[:1] if block.unknown.per_frame else ()
    return {name: cost_over((energy[name],), unknowns, observation, shape) for name in block.roles}


def _sum(terms: dict[str, jax.Array]) -> jax.Array:
    return sum(list(terms.values())[1:], next(iter(terms.values())))


def check(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation) -> None:
    """Raise `InputError`, one line, for a block that cannot be solved: a term or unknown that is not there, or a role
    that does not suit its term."""
    name = block.unknown.name
    if not block.roles:
        raise InputError(f"the {name} block has no terms: give it one by with_term")
    if name not in unknowns:
        raise InputError(f"the {name} block solves for an unknown that is not there: give the unknown {name!r} a start")
    point = Point(block.unknown, unknowns, observation)
    for term, role in block.roles.items():
        if term not in energy:
            raise InputError(f"the {name} block declares a term {term!r}, which the energy does not have")
        try:
            role.check(term, energy[term], point)
        except MissingUnknown as error:
            hint = "give it a start, or a stage before that finds it"
            raise InputError(f"the term {term!r} of the {name} block: {error}: {hint}") from error
        except InputError:
            raise
        except Exception as error:  # whatever the code of a user raises
            size = "x".join(map(str, observation.blurry.shape[2:0:-1]))
            raise InputError(
                f"the term {term!r} of the {name} block fails on a level of {size}: {first_line(error)}; a residual is "
                "called with (unknowns, observation), and what it knows per pixel is declared with held"
            ) from error


def convex_model(
    block: Block, energy: Energy, state: BlockState, observation: Observation, options: BlockOptions
) -> ConvexProblem:
    """The convex problem around `state`, within its box, in the planes of the unknown."""
    point = Point(block.unknown, state.unknowns, observation)
    here = point.planes
    models = [model([energy[name] for name in names], point) for model, names in block.modelled.items()]
    return ConvexProblem(
        quadratic=tuple(term for terms, _ in models for term in terms),
        dual=tuple(affine(energy[name], role.step, point) for name, role in block.dual.items()),
        linear_cost=tree_sum((slope for _, slope in models), jax.tree.map(jnp.zeros_like, here)),
        lower=jax.tree.map(lambda x: jnp.maximum(block.unknown.lower, x - options.radius), here),
        upper=jax.tree.map(lambda x: jnp.minimum(block.unknown.upper, x + options.radius), here),
    )


def init(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation) -> BlockState:
    """Start from the given unknowns with zero duals. Raises `InputError` as `check` does."""
    check(block, energy, unknowns, observation)
    residuals = {name: jax.eval_shape(energy[name].residual, unknowns, observation) for name in block.dual}
    return BlockState(unknowns, jax.tree.map(jnp.zeros_like, residuals))


def step(
    block: Block, energy: Energy, state: BlockState, observation: Observation, options: BlockOptions
) -> tuple[BlockState, BlockInfo]:
    """Linearise, solve, and go as far as pays.

    Where no term is tested that is all the way. Else a frame whose true energy would rise goes less far, and none moves
    if the sum would rise, for terms join the frames.
    """
    problem = convex_model(block, energy, state, observation, options)
    point = Point(block.unknown, state.unknowns, observation)
    start = point.value
    found = solve(problem, point.planes, tuple(state.duals.values()), options.steps)
    solution = block.unknown.from_planes(found.x, start)
    per_pixel = [term.holds for term in problem.quadratic if isinstance(term, PixelTerm)]

    def moved(length):
        way = length.reshape(-1, *[1] * (start.ndim - 1)) if block.unknown.per_frame else length
        return point.at(jnp.where(way > 0, start + way * (solution - start), start))  # also if there is no solution

    def cost(length):
        return frame_terms(block, energy, moved(length), observation)

    none = jnp.zeros(start.shape[:1] if block.unknown.per_frame else (), start.dtype)
    if block.tested:
        length, before, after = _search_lengths(cost, none)
    else:
        length, costs = jnp.ones_like(none), jax.lax.map(cost, jnp.stack([none, jnp.ones_like(none)]))
        before, after = ({name: cost[k] for name, cost in costs.items()} for k in (0, 1))
    if per_pixel:
        holds = jnp.stack(per_pixel).all()
        length, after = jnp.where(holds, length, 0), jax.tree.map(partial(jnp.where, holds), after, before)
    else:
        holds = jnp.array(True)
    before, after = ({name: cost.sum() for name, cost in costs.items()} for costs in (before, after))
    finite = jnp.isfinite(_sum(after)) & jnp.isfinite(found.residual[-1])
    endings = [
        (~finite, Status.NOT_FINITE),
        (~holds, Status.NOT_PER_PIXEL),
        ((length == 0).all(), Status.REFUSED),
        (found.residual[-1] <= CONVERGED * jnp.abs(_sum(after)), Status.CONVERGED),
    ]
    status = jnp.select([case for case, _ in endings], [int(code) for _, code in endings], int(Status.SPENT))
    saturated = dict(zip(block.dual, found.saturated, strict=True))
    duals = dict(zip(block.dual, found.duals, strict=True))
    info = BlockInfo(before, after, jnp.atleast_1d(length), found.residual, saturated, status)
    return BlockState(moved(length), duals), info


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


def solve_subproblem(
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
