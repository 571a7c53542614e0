"""Primal-dual hybrid gradient (Chambolle and Pock 2011, reference [39]) with quadratic terms in the primal prox.

    min_x  sum_q w_q |a_q + Q_q x|^2 + sum_j w_j phi_j(b_j + A_j x) + <g, x>,   lower <= x <= upper,

covers Eqs. (10), (14) and (17): conjugate gradients solve the quadratic terms inside the prox, every phi_j has a dual
variable, g is the first-order Taylor term of Eqs. (12) and (15). The dual of a weighted term lives in a ball of radius
w_j and steps by eta w_j, so that all cross their balls at one pace: a diagonal preconditioning (Pock and Chambolle
2011). The paper's update of a unit-ball dual with the weight on the operator steps by eta w_j^2.
"""

import dataclasses
import functools
from collections.abc import Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.cg import conjugate_gradient
from gvd_jax.convex.linear import LinearMap, adjoint, chessboard_diagonal, squared_norm
from gvd_jax.convex.norms import Norm, conjugate_prox
from gvd_jax.convex.quadratic import Quadratic
from gvd_jax.trees import pytree, static, tree_add

SAFETY = 1.25  # after a few iterations the power method is still below the squared operator norm


@dataclasses.dataclass(frozen=True)
class AffineTerm:
    """weight * norm(offset + linear(x)). Lives inside one traced function: `linear` may close over traced values."""

    weight: Any
    offset: Any
    linear: LinearMap
    norm: Norm


def _like(bound: Any, x: Any) -> Any:
    """A number for all of `x`, or one per entry, as a pytree like `x`."""
    return bound if jax.tree.structure(bound) == jax.tree.structure(x) else jax.tree.map(lambda _: bound, x)


@dataclasses.dataclass(frozen=True)
class Problem:
    """The convex problem above; `linear_cost` is g. The bounds are numbers, or pytrees like x; so is g."""

    quadratic: tuple[Quadratic, ...]
    dual: tuple[AffineTerm, ...]
    linear_cost: Any
    lower: Any
    upper: Any


@pytree
class Steps:
    """Loop lengths and step sizes.

    `dual` is eta, one for all dual terms or a tuple of one for each: eta of Eqs. (10), (14), (17) times their weight.
    The primal step is as large as converges.
    """

    dual: Any = 10.0
    relaxation: float = 1.0
    iterations: int = static(default=20)
    cg_iterations: int = static(default=3)
    power_iterations: int = static(default=4)


@pytree
class Iterate:
    """Primal variable, its extrapolation, one dual per dual term, and the downhill slope of the quadratic terms."""

    x: Any
    ahead: Any
    duals: tuple[Any, ...]
    slope: Any


def zero_duals(problem: Problem, x: Any) -> tuple[Any, ...]:
    """A zero dual for every dual term."""
    return tuple(jax.tree.map(jnp.zeros_like, jax.eval_shape(term.linear, x)) for term in problem.dual)


def _dual_steps(problem: Problem, steps: Steps) -> list[Any]:
    """eta w of every dual term."""
    etas = steps.dual if isinstance(steps.dual, tuple) else (steps.dual,) * len(problem.dual)
    if len(etas) != len(problem.dual):
        raise ValueError(
            f"{len(etas)} dual steps for {len(problem.dual)} dual terms: give one number, or one for each term"
        )
    return [eta * term.weight for eta, term in zip(etas, problem.dual, strict=True)]


def primal_step(problem: Problem, x: Any, steps: Steps) -> jax.Array:
    """epsilon = 1 / |A' D A|, A the stacked dual operators and D their dual steps."""
    dual_steps = _dual_steps(problem, steps)

    def stacked(v):
        return tuple(term.linear(v) for term in problem.dual)

    back = adjoint(stacked, x)

    # The steps whole on the way back, not their roots both ways: a root has no derivative at a weight of 0.
    def back_by_steps(duals):
        parts = zip(dual_steps, duals, strict=True)
        return back(tuple(jax.tree.map(partial(jnp.multiply, step), dual) for step, dual in parts))

    norm = squared_norm(stacked, back_by_steps, x, steps.power_iterations)
    return 1 / (SAFETY * jnp.maximum(norm, jnp.finfo(norm.dtype).tiny))


def _sum(parts: Iterable[Any], start: Any) -> Any:
    return functools.reduce(tree_add, parts, start)


def solve(problem: Problem, start: Any, duals: tuple[Any, ...], steps: Steps) -> tuple[Any, tuple[Any, ...]]:
    """Run `steps.iterations` iterations from `start` and `duals`; returns the primal variable and the duals.

    Without dual terms there is no primal-dual iteration: conjugate gradients, preconditioned by the diagonal, solve the
    problem, then it is clipped. A prox by conjugate gradients knows no box: with both, only the answer is clipped.
    Primal variables are pytrees.
    """
    zero = jax.tree.map(jnp.zeros_like, start)
    transposes = [adjoint(term.linear, start) for term in problem.dual]
    linear_cost = jax.tree.map(jnp.add, zero, _like(problem.linear_cost, zero))

    def curvature(v):
        return _sum((term.curve(v) for term in problem.quadratic), zero)

    def clip(x):
        return jax.tree.map(jnp.clip, x, _like(problem.lower, x), _like(problem.upper, x))

    slope = jax.tree.map(jnp.negative, _sum((term.slope(start) for term in problem.quadratic), zero))
    if not problem.dual:
        # Reweighting makes the curvature of one pixel a thousand times that of another.
        diagonal = jax.tree.map(lambda d: jnp.where(d > 0, d, 1), chessboard_diagonal(curvature, start))
        downhill = tree_add(slope, linear_cost, -1)
        x, _ = conjugate_gradient(
            curvature, downhill, start, steps.cg_iterations, lambda r: jax.tree.map(jnp.divide, r, diagonal)
        )
        return clip(x), ()
    dual_steps = _dual_steps(problem, steps)
    epsilon = primal_step(problem, start, steps)
    # A ball of radius 0 is left by no step, but the step divides; its reciprocal must have a derivative.
    floor = jnp.finfo(epsilon.dtype).eps

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

    def dual_update(term, step, dual, ahead):
        step = jnp.maximum(step, floor)
        moved = jax.tree.map(lambda y, b, r: y + step * (b + r), dual, term.offset, term.linear(ahead))
        return conjugate_prox(term.norm, moved, step, term.weight)

    def iterate(_, state: Iterate) -> Iterate:
        parts = zip(problem.dual, dual_steps, state.duals, strict=True)
        duals = tuple(dual_update(term, step, dual, state.ahead) for term, step, dual in parts)
        force = _sum((back(y) for back, y in zip(transposes, duals, strict=True)), linear_cost)
        x, slope = prox(state.x, jax.tree.map(lambda f: -epsilon * f, force), state.slope)
        return Iterate(x, tree_add(x, tree_add(x, state.x, -1), steps.relaxation), duals, slope)

    last = jax.lax.fori_loop(0, steps.iterations, iterate, Iterate(start, start, duals, slope))
    return clip(last.x), last.duals
