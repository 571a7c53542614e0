"""Derivatives of a converged subproblem by the implicit function theorem, in memory that does not grow with iterations.

The solution is a fixed point z = T(z, p) of the primal-dual iteration, z its primal and dual variables and p what it
depends on. So dz = (1 - dT/dz)^-1 dT/dp dp, which the linearised iteration dz <- dT/dz dz + dT/dp dp solves, and in
reverse its transpose ("piggyback": Griewank and Faure 2003; Bogensperger, Chambolle, Pock 2022): both converge as fast
as the iteration itself.
"""

from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.cg import conjugate_gradient
from gvd_jax.convex.linear import adjoint
from gvd_jax.convex.pdhg import ascend, dual_steps, primal_step
from gvd_jax.errors import InputError
from gvd_jax.model.energy import Energy
from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.subproblem import BlockOptions, BlockState, convex_model, run_to_state
from gvd_jax.trees import replace, tree_add, tree_sum

Parameters = tuple[Block, Energy, Unknowns, Observation, BlockOptions]


@jax.custom_jvp
def solve_implicit(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: BlockOptions
) -> Unknowns:
    """`solve_subproblem`, whose derivative is that of the solution: exact where the iterations have converged.

    Then it depends on the terms, the observation and the other unknowns, not on where the block's unknown starts or on
    step sizes. Forward and reverse mode. For blocks with dual terms whose bounds do not bind; convergence takes
    hundreds of iterations, and the derivative as many again. Raises `InputError` for a block without dual terms.
    Eqs. (9)-(10).
    """
    if not block.dual:
        raise InputError(
            "solve_implicit differentiates primal-dual iterations: give one term of the block the role Dual()"
        )
    return run_to_state(block, energy, unknowns, observation, options)[0].unknowns


def _iteration(epsilon: jax.Array, parameters: Parameters, planes: Any, duals: Any) -> Any:
    """One primal-dual iteration with an exact prox, linearised where it starts: T of the module."""
    block, energy, unknowns, observation, options = parameters
    name = block.unknown.name
    here = block.unknown.from_planes(planes, unknowns[name])
    state = BlockState(replace(unknowns, **{name: here}), dict(zip(block.dual, duals, strict=True)))
    problem = convex_model(block, energy, state, observation, options)

    def curvature(v):
        return tree_sum((term.curve(v) for term in problem.quadratic), jax.tree.map(lambda x: x / epsilon, v))

    def newton(force):
        def by_conjugate_gradient(operator, right):
            return conjugate_gradient(operator, right, zero, options.steps.cg_iterations)[0]

        return jax.lax.custom_linear_solve(curvature, force, by_conjugate_gradient, symmetric=True)

    slopes = (term.start_slope for term in problem.quadratic)
    forces = (adjoint(term.linear, planes)(y) for term, y in zip(problem.dual, duals, strict=True))
    zero = jax.tree.map(jnp.zeros_like, planes)
    # At the solution they add up to 0, so that it does not matter how the system of the prox changes.
    step = newton(tree_sum(forces, tree_sum(slopes, zero)))
    moved = tree_add(planes, step, -1)
    ahead = tree_add(moved, step, -1)
    every = zip(problem.dual, dual_steps(problem), duals, strict=True)
    return moved, tuple(ascend(term, size, dual, ahead)[0] for term, size, dual in every)


@solve_implicit.defjvp
def _solve_implicit_jvp(primals: Any, tangents: Any) -> tuple[Unknowns, Unknowns]:
    block, energy, _, observation, options = primals
    state, _ = run_to_state(*primals)
    name = block.unknown.name
    problem = convex_model(block, energy, state, observation, options)
    solution = block.unknown.to_planes(state.unknowns[name]), tuple(state.duals.values())
    epsilon = primal_step(problem, solution[0], options.steps)
    _, linear = jax.linearize(lambda p, x, y: _iteration(epsilon, p, x, y), primals, *solution)

    def forth(change, _):
        return linear(tangents, *change), None

    count = options.linearisations * options.steps.iterations
    (planes, _), _ = jax.lax.scan(forth, jax.tree.map(jnp.zeros_like, solution), None, length=count)
    # What is not solved for passes through.
    own = block.unknown.from_planes(planes, state.unknowns[name])
    return state.unknowns, replace(tangents[2], **{name: own})
