"""Primal-dual hybrid gradient (Chambolle and Pock 2011, reference [39]) with quadratic terms in the primal prox.

    min_x  sum_q w_q |a_q + Q_q x|^2 + sum_j w_j phi_j(b_j + A_j x) + <g, x>,   lower <= x <= upper,

covers Eqs. (10), (14) and (17): conjugate gradients solve the quadratic terms inside the prox, every phi_j has a dual
variable, g is the first-order Taylor term of Eqs. (12) and (15). The dual of a weighted term lives in a ball of radius
w_j and steps by eta w_j^2, which is the paper's update of a unit-ball dual with the weight on the operator.
"""

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.cg import conjugate_gradient
from gvd_jax.convex.linear import LinearMap, adjoint, squared_norm
from gvd_jax.convex.norms import Norm, conjugate_prox
from gvd_jax.trees import pytree, static

SAFETY = 1.1  # the power method approaches the operator norm from below


@dataclasses.dataclass(frozen=True)
class AffineTerm:
    """weight * norm(offset + linear(x)). Lives inside one traced function: `linear` may close over traced values."""

    weight: Any
    offset: Any
    linear: LinearMap
    norm: Norm


@dataclasses.dataclass(frozen=True)
class QuadraticTerm:
    """weight * sum(curvature * (offset + linear(x))^2)."""

    weight: Any
    curvature: Any
    offset: Any
    linear: LinearMap


@dataclasses.dataclass(frozen=True)
class Problem:
    """The convex problem above; `linear_cost` is g."""

    quadratic: tuple[QuadraticTerm, ...]
    dual: tuple[AffineTerm, ...]
    linear_cost: Any
    lower: Any
    upper: Any


@pytree
class Steps:
    """Loop lengths and step sizes: `dual` is eta of Eqs. (10), (14), (17); the primal step is as large as converges."""

    dual: float = 5.0
    relaxation: float = 1.0
    iterations: int = static(default=20)
    cg_iterations: int = static(default=3)
    power_iterations: int = static(default=8)


@pytree
class Iterate:
    """Primal variable, its extrapolation and one dual per dual term."""

    x: jax.Array
    ahead: jax.Array
    duals: tuple[Any, ...]


def zero_duals(problem: Problem, x: jax.Array) -> tuple[Any, ...]:
    """A zero dual for every dual term."""
    return tuple(jax.tree.map(jnp.zeros_like, jax.eval_shape(term.linear, x)) for term in problem.dual)


def primal_step(problem: Problem, x: jax.Array, steps: Steps) -> jax.Array:
    """epsilon = 1 / (eta |A|^2), A the stacked and weighted dual operators."""

    def stacked(v):
        return tuple(jax.tree.map(partial(jnp.multiply, term.weight), term.linear(v)) for term in problem.dual)

    norm = squared_norm(stacked, adjoint(stacked, x), x, steps.power_iterations)
    return 1 / (SAFETY * steps.dual * jnp.maximum(norm, jnp.finfo(x.dtype).tiny))


def solve(
    problem: Problem, start: jax.Array, duals: tuple[Any, ...], steps: Steps
) -> tuple[jax.Array, tuple[Any, ...]]:
    """Run `steps.iterations` iterations from `start` and `duals`; returns the primal variable and the duals.

    Without dual terms there is no primal-dual iteration: conjugate gradients solve the problem, then it is clipped.
    """
    epsilon = primal_step(problem, start, steps) if problem.dual else jnp.inf
    tiny = jnp.finfo(start.dtype).tiny
    transposes = [adjoint(term.linear, start) for term in problem.dual]
    quadratic = [(term, adjoint(term.linear, start)) for term in problem.quadratic]

    def curved(term, back, residual):
        return back(jax.tree.map(lambda q, r: 2 * term.weight * q * r, term.curvature, residual))

    def hessian(v):
        return v / epsilon + sum(curved(term, back, term.linear(v)) for term, back in quadratic)

    pull = sum((curved(term, back, term.offset) for term, back in quadratic), jnp.zeros_like(start))

    def primal_prox(v, warm):
        if not quadratic:
            return v
        return conjugate_gradient(hessian, v / epsilon - pull, warm, steps.cg_iterations)

    def dual_update(term, dual, ahead):
        step = jnp.maximum(steps.dual * term.weight**2, tiny)
        moved = jax.tree.map(lambda y, b, r: y + step * (b + r), dual, term.offset, term.linear(ahead))
        return conjugate_prox(term.norm, moved, step, term.weight)

    def iterate(_, state: Iterate) -> Iterate:
        duals = tuple(dual_update(t, y, state.ahead) for t, y in zip(problem.dual, state.duals, strict=True))
        force = sum((back(y) for back, y in zip(transposes, duals, strict=True)), jnp.zeros_like(start))
        explicit = state.x - epsilon * (force + problem.linear_cost)
        x = jnp.clip(primal_prox(explicit, state.x), problem.lower, problem.upper)
        return Iterate(x, x + steps.relaxation * (x - state.x), duals)

    if not problem.dual:
        x = conjugate_gradient(hessian, -pull - problem.linear_cost, start, steps.cg_iterations)
        return jnp.clip(x, problem.lower, problem.upper), ()
    last = jax.lax.fori_loop(0, steps.iterations, iterate, Iterate(start, start, duals))
    return last.x, last.duals
