"""Derivatives of a converged subproblem by the implicit function theorem, in memory that does not grow with iterations.

The solution is a fixed point z = T(z, p) of the primal-dual iteration, z its primal and dual variables and p what it
depends on. So dz = (1 - dT/dz)^-1 dT/dp, and the transposed system is solved by the transposed iteration ("piggyback":
Griewank and Faure 2003; Bogensperger, Chambolle, Pock 2022), which converges as fast as the iteration itself.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.cg import conjugate_gradient
from gvd_jax.convex.linear import adjoint
from gvd_jax.convex.pdhg import ascend, dual_steps, primal_step
from gvd_jax.model.energy import Energy
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.subproblem import BlockOptions, BlockState, convex_model, run_to_state
from gvd_jax.trees import replace, tree_add, tree_sum

Parameters = tuple[Energy, Unknowns, Observation, BlockOptions]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def solve_implicit(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> Unknowns:
    """`run`, whose derivative is that of the solution: exact where the iterations have converged.

    Then it depends on the terms, the observation and the other unknowns, not on where the block's unknown starts or on
    step sizes. For blocks with dual terms whose bounds do not bind; convergence takes hundreds of iterations, and the
    derivative as many again. Eqs. (9)-(10).
    """
    return run_to_state(block, energy, unknowns, observation, options)[0].unknowns


def _iteration(block: Block, epsilon: jax.Array, parameters: Parameters, planes: Any, duals: Any):
    """One primal-dual iteration with an exact prox, linearised where it starts: T of the module."""
    energy, unknowns, observation, options = parameters
    here = block.from_planes(planes, getattr(unknowns, block.unknown))
    state = BlockState(replace(unknowns, **{block.unknown: here}), duals)
    problem = convex_model(block, energy, state, observation, options)

    def curvature(v):
        return tree_sum((term.curve(v) for term in problem.quadratic), jax.tree.map(lambda x: x / epsilon, v))

    def newton(force):
        def by_conjugate_gradient(operator, right):
            return conjugate_gradient(operator, right, zero, options.steps.cg_iterations)[0]

        return jax.lax.custom_linear_solve(curvature, force, by_conjugate_gradient, symmetric=True)

    slopes = (term.slope(planes) for term in problem.quadratic)
    forces = (adjoint(term.linear, planes)(y) for term, y in zip(problem.dual, duals, strict=True))
    zero = jax.tree.map(jnp.zeros_like, planes)
    # At the solution they add up to 0, so that it does not matter how the system of the prox changes.
    step = newton(tree_sum(forces, tree_sum(slopes, zero)))
    moved = tree_add(planes, step, -1)
    ahead = tree_add(moved, step, -1)
    every = zip(problem.dual, dual_steps(problem, options.steps), duals, strict=True)
    return moved, tuple(ascend(term, size, dual, ahead) for term, size, dual in every)


def _forward(block, energy, unknowns, observation, options):
    state, _ = run_to_state(block, energy, unknowns, observation, options)
    return state.unknowns, ((energy, unknowns, observation, options), state)


def _backward(block, kept, cotangent):
    parameters, state = kept
    energy, _, observation, options = parameters
    planes = block.to_planes(getattr(state.unknowns, block.unknown))
    problem = convex_model(block, energy, state, observation, options)
    epsilon = primal_step(problem, planes, options.steps)
    _, pull = jax.vjp(partial(_iteration, block, epsilon), parameters, planes, state.duals)
    own = (block.to_planes(getattr(cotangent, block.unknown)), jax.tree.map(jnp.zeros_like, state.duals))

    def back(adjoint_state, _):
        return tree_add(own, pull(adjoint_state)[1:]), None

    count = options.linearisations * options.steps.iterations
    solved, _ = jax.lax.scan(back, own, None, length=count)
    by_energy, by_unknowns, by_observation, by_options = pull(solved)[0]
    # What is not solved for passes through.
    others = replace(cotangent, **{block.unknown: jnp.zeros_like(getattr(cotangent, block.unknown))})
    return by_energy, tree_add(by_unknowns, others), by_observation, by_options


solve_implicit.defvjp(_forward, _backward)
