"""Primal-dual hybrid gradient (Chambolle and Pock 2011, reference [39]) with quadratic terms in the primal prox.

    min_x  sum_q w_q |a_q + Q_q (x - x_0)|^2 + sum_j w_j phi_j(b_j + A_j x) + <g, x>,   lower <= x <= upper,

covers Eqs. (10), (14) and (17): conjugate gradients solve the quadratic terms inside the prox, every phi_j has a dual
variable, g is the first-order Taylor term of Eqs. (12) and (15). The dual of a weighted term lives in a ball of radius
w_j and steps by eta w_j, so that all cross their balls at one pace: a diagonal preconditioning (Pock and Chambolle
2011). The paper's update of a unit-ball dual with the weight on the operator steps by eta w_j^2.
"""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.cg import conjugate_gradient
from gvd_jax.convex.linear import LinearMap, adjoint, chessboard_diagonal, squared_norm
from gvd_jax.convex.norms import Norm, beyond_bound, conjugate_prox
from gvd_jax.convex.quadratic import Quadratic
from gvd_jax.errors import InputError
from gvd_jax.shapes import Number
from gvd_jax.trees import pytree, static, tree_add, tree_dot, tree_sum

SAFETY = 1.25  # after a few iterations the power method is still below the squared operator norm


@dataclasses.dataclass(frozen=True)
class AffineTerm:
    """weight * norm(offset + linear(x)), whose dual steps by `eta` times the weight.

    Lives inside one traced function: `linear` may close over traced values.
    """

    weight: Number
    eta: Number
    offset: Any
    linear: LinearMap
    norm: Norm


def _like(bound: Any, x: Any) -> Any:
    """A number for all of `x`, or one per entry, as a pytree like `x`."""
    return bound if jax.tree.structure(bound) == jax.tree.structure(x) else jax.tree.map(lambda _: bound, x)


@dataclasses.dataclass(frozen=True)
class ConvexProblem:
    """The convex problem above; `linear_cost` is g. The bounds are numbers, or pytrees like x; so is g."""

    quadratic: tuple[Quadratic, ...]
    dual: tuple[AffineTerm, ...]
    linear_cost: Any
    lower: Number
    upper: Number


@pytree
class Steps:
    """Loop lengths. The primal step is as large as converges."""

    relaxation: float = 1.0
    iterations: int = static(default=20)
    cg_iterations: int = static(default=3)
    power_iterations: int = static(default=4)

    def __post_init__(self) -> None:
        if min(self.iterations, self.cg_iterations, self.power_iterations) < 1:
            raise InputError(f"{self!r}: give every loop at least 1 iteration")


@pytree
class Solution:
    """What `solve` ends with.

    `residual` [K] is how far each iteration still moved, |dx|^2 / epsilon + sum |dy|^2 / (eta w), in units of the
    cost: 0 at a solution. Conjugate gradients alone have one, r'x of what is left of their right hand side r, x the
    step that it would take. `saturated` is, for every dual term, the share of its residuals that are not 0 in the last
    iteration: there the dual is at its bound.
    """

    x: Any
    duals: tuple[Any, ...]
    residual: jax.Array
    saturated: tuple[jax.Array, ...]


@pytree
class Iterate:
    """Primal variable, its extrapolation, one dual per dual term, and the downhill slope of the quadratic terms."""

    x: Any
    ahead: Any
    duals: tuple[Any, ...]
    slope: Any


def zero_duals(problem: ConvexProblem, x: Any) -> tuple[Any, ...]:
    """A zero dual for every dual term."""
    return tuple(jax.tree.map(jnp.zeros_like, jax.eval_shape(term.linear, x)) for term in problem.dual)


def dual_steps(problem: ConvexProblem) -> list[Any]:
    """eta w of every dual term, little more than 0 at least.

    A ball of radius 0 is left by no step, but the step divides; its reciprocal must have a derivative.
    """
    floor = float(jnp.finfo(jnp.float32).eps)
    return [jnp.maximum(term.eta * term.weight, floor) for term in problem.dual]


def primal_step(problem: ConvexProblem, x: Any, steps: Steps) -> jax.Array:
    """epsilon = 1 / |A' D A|, A the stacked dual operators and D their dual steps."""
    sizes = dual_steps(problem)

    def stacked(v):
        return tuple(term.linear(v) for term in problem.dual)

    back = adjoint(stacked, x)

    # The steps whole on the way back, not their roots both ways: a root has no derivative at a weight of 0.
    def back_by_steps(duals):
        parts = zip(sizes, duals, strict=True)
        return back(tuple(jax.tree.map(partial(jnp.multiply, step), dual) for step, dual in parts))

    norm = squared_norm(stacked, back_by_steps, x, steps.power_iterations)
    return 1 / (SAFETY * jnp.maximum(norm, jnp.finfo(norm.dtype).tiny))


def ascend(term: AffineTerm, step: Number, dual: Any, x: Any) -> tuple[Any, jax.Array]:
    """The next dual of a term, from that of x: the first line of Eqs. (10), (14) and (17); and how much of it is at its
    bound."""
    ascended = jax.tree.map(lambda y, b, r: y + step * (b + r), dual, term.offset, term.linear(x))
    bounds = term.norm, ascended, step, term.weight
    return conjugate_prox(*bounds), beyond_bound(*bounds)


def solve(problem: ConvexProblem, start: Any, duals: tuple[Any, ...], steps: Steps) -> Solution:
    """Run `steps.iterations` iterations from `duals` and `start`, which is the x_0 of the quadratic terms.

    Without dual terms there is no primal-dual iteration: conjugate gradients, preconditioned by the diagonal, solve the
    problem, then it is clipped. A prox by conjugate gradients knows no box: with both, only the answer is clipped.
    Primal variables are pytrees. The derivative keeps the state of every iteration and computes the rest again.
    """
    zero = jax.tree.map(jnp.zeros_like, start)
    transposes = [adjoint(term.linear, start) for term in problem.dual]
    linear_cost = jax.tree.map(jnp.add, zero, _like(problem.linear_cost, zero))

    def curvature(v):
        return tree_sum((term.curve(v) for term in problem.quadratic), zero)

    def clip(x):
        return jax.tree.map(jnp.clip, x, _like(problem.lower, x), _like(problem.upper, x))

    slope = jax.tree.map(jnp.negative, tree_sum((term.start_slope for term in problem.quadratic), zero))
    if not problem.dual:
        # Reweighting makes the curvature of one pixel a thousand times that of another.
        diagonal = jax.tree.map(lambda d: jnp.where(d > 0, d, 1), chessboard_diagonal(curvature, start))
        downhill = tree_add(slope, linear_cost, -1)

        def precondition(residual):
            return jax.tree.map(jnp.divide, residual, diagonal)

        x, left = conjugate_gradient(curvature, downhill, start, steps.cg_iterations, precondition)
        return Solution(clip(x), (), tree_dot(left, precondition(left))[None], ())
    sizes = dual_steps(problem)
    epsilon = primal_step(problem, start, steps)

    def prox(x, step, slope):
        """argmin_z |z - x - step|^2 / (2 epsilon) + the quadratic terms, from z = x; and the slope there."""
        if not problem.quadratic:
            return clip(tree_add(x, step)), slope
        residual = tree_add(slope, step, 1 / epsilon)
        z, residual = conjugate_gradient(
            lambda v: tree_add(curvature(v), v, 1 / epsilon), residual, x, steps.cg_iterations
        )
        left = tree_add(tree_add(x, step), z, -1)
        return z, tree_add(residual, left, -1 / epsilon)

    def every_dual(state: Iterate):
        return zip(problem.dual, sizes, state.duals, strict=True)

    @jax.checkpoint
    def iterate(state: Iterate, _):
        ascended = [ascend(term, step, dual, state.ahead) for term, step, dual in every_dual(state)]
        duals, saturated = zip(*ascended, strict=True)
        force = tree_sum((back(y) for back, y in zip(transposes, duals, strict=True)), linear_cost)
        x, slope = prox(state.x, jax.tree.map(lambda f: -epsilon * f, force), state.slope)
        change = tree_add(x, state.x, -1)
        moves = (tree_add(y, before, -1) for y, before in zip(duals, state.duals, strict=True))
        ascent = sum(tree_dot(move, move) / step for move, step in zip(moves, sizes, strict=True))
        residual = tree_dot(change, change) / epsilon + ascent
        return Iterate(x, tree_add(x, change, steps.relaxation), duals, slope), (residual, saturated)

    first = Iterate(start, start, duals, slope)
    last, (residual, saturated) = jax.lax.scan(iterate, first, None, length=steps.iterations)
    return Solution(clip(last.x), last.duals, residual, tuple(share[-1] for share in saturated))
