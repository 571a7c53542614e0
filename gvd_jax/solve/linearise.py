"""How a term that is not affine becomes part of a convex problem.

`gauss_newton` linearises the residual and majorises its norm by a quadratic that touches at the current residual
(squares stay squares, |r| is reweighted): the model is bounded below and solved by conjugate gradients.
`gradient` linearises the cost itself as Eqs. (12) and (15) print it, with the gradient by `jax.grad` or by the paper's
finite difference; that model is unbounded, so it is only trusted inside the box the solver sets.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.pdhg import AffineTerm
from gvd_jax.convex.quadratic import Quadratic, QuadraticTerm
from gvd_jax.model.energy import cost_over, term_value
from gvd_jax.model.terms import Term
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.solve.blocks import Block
from gvd_jax.trees import replace

Model = tuple[tuple[Quadratic, ...], Any]  # quadratic terms of x, and the linear cost g
Linearisation = Callable[[Sequence[Term], Block, Unknowns, Observation], Model]


def _residual_of_planes(term: Term, block: Block, unknowns: Unknowns, observation: Observation):
    value = getattr(unknowns, block.unknown)
    return lambda x: term.residual(replace(unknowns, **{block.unknown: block.from_planes(x, value)}), observation)


def is_affine(term: Term, block: Block, unknowns: Unknowns, observation: Observation) -> bool:
    """Whether the residual is affine in the block's unknown, as JAX sees it: whatever is, can be transposed."""
    x = block.to_planes(getattr(unknowns, block.unknown))
    residual = _residual_of_planes(term, block, unknowns, observation)
    shape = jax.eval_shape(residual, x)
    try:
        jax.eval_shape(jax.linear_transpose(residual, x), shape)
    except Exception:  # JAX raises whatever the first operation that is not linear happens to raise
        return False
    return True


def affine(term: Term, block: Block, unknowns: Unknowns, observation: Observation) -> AffineTerm:
    """An affine residual as offset + linear(x), x as `to_planes` gives it."""
    origin = block.to_planes(jnp.zeros_like(getattr(unknowns, block.unknown)))
    offset, linear = jax.linearize(_residual_of_planes(term, block, unknowns, observation), origin)
    return AffineTerm(term.weight, offset, linear, term.norm)


def quadratic(term: Term, block: Block, unknowns: Unknowns, observation: Observation) -> QuadraticTerm:
    """The linearised residual under the quadratic majoriser of its norm; squares of affine residuals stay the same."""
    here = block.to_planes(getattr(unknowns, block.unknown))
    at_here, linear = jax.linearize(_residual_of_planes(term, block, unknowns, observation), here)
    offset = jax.tree.map(jnp.subtract, at_here, linear(here))
    return QuadraticTerm(term.weight, term.norm.curvature(at_here), offset, linear)


def gauss_newton(terms: Sequence[Term], block: Block, unknowns: Unknowns, observation: Observation) -> Model:
    """Linearise residuals and majorise their norms: weight * sum q (r0 + J (x - x0))^2."""
    return tuple(quadratic(term, block, unknowns, observation) for term in terms), 0.0


def gradient(terms: Sequence[Term], block: Block, unknowns: Unknowns, observation: Observation) -> Model:
    """Eqs. (12), (15): rho(x0) + <grad rho(x0), x - x0>, the gradient by automatic differentiation."""

    def cost(x):
        moved = replace(unknowns, **{block.unknown: x})
        return sum((term_value(term, moved, observation) for term in terms), jnp.zeros((), x.dtype))

    return (), block.to_planes(jax.grad(cost)(getattr(unknowns, block.unknown)))


def finite_difference(terms: Sequence[Term], block: Block, unknowns: Unknowns, observation: Observation) -> Model:
    """Eq. (12) as printed: grad rho(x0) = rho(x0 + 0.5) - rho(x0 - 0.5), pixel by pixel, component by component.

    A defocus below 0.5 is stepped down to 0 only, and the difference divided by the distance that is left.
    """
    here = getattr(unknowns, block.unknown)
    others = [axis for axis in range(here.ndim) if axis not in block.pixel_axes]
    lowest = 0.0 if block.unknown == "defocus" else -jnp.inf

    def component(unit):
        def cost(x):
            return cost_over(terms, replace(unknowns, **{block.unknown: x}), observation, unknowns.defocus.shape)

        above, below = here + 0.5 * unit, jnp.maximum(here - 0.5 * unit, lowest)
        distance = jnp.abs(above - below).sum(tuple(others)) if others else above - below
        return jnp.expand_dims((cost(above) - cost(below)) / distance, others) * unit

    count = 1
    for axis in others:
        count *= here.shape[axis]
    shape = [here.shape[axis] if axis in others else 1 for axis in range(here.ndim)]
    units = jnp.eye(count, dtype=here.dtype).reshape(count, *shape)
    return (), block.to_planes(jax.lax.map(component, units).sum(0))
