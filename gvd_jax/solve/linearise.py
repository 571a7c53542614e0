"""How a term that is not affine becomes part of a convex problem.

`GaussNewton` linearises the residual and majorises its norm by a quadratic that touches at the current residual
(squares stay squares, |r| is reweighted): the model is bounded below and solved by conjugate gradients. `Gradient`
linearises the cost itself as Eqs. (12) and (15) print it, by `jax.grad`, and `FiniteDifference` by the paper's
difference; that model is unbounded, so it is only trusted inside the box the solver sets.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from gvd_jax.convex.pdhg import AffineTerm
from gvd_jax.convex.quadratic import Quadratic, QuadraticTerm, at_pixels
from gvd_jax.model.axes import pixel_axes
from gvd_jax.model.energy import cost_over, term_value
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import Term
from gvd_jax.model.unknowns import Planes, Unknown, Unknowns
from gvd_jax.shapes import Array, Number
from gvd_jax.trees import replace

Model = tuple[tuple[Quadratic, ...], Planes]  # quadratic terms of the planes x, and the linear cost g


@dataclasses.dataclass(frozen=True)
class Point:
    """Where a subproblem is linearised: its unknown among all unknowns, and what is held fixed."""

    unknown: Unknown
    unknowns: Unknowns
    observation: Observation

    @property
    def value(self) -> Array:
        """The unknown here."""
        return self.unknowns[self.unknown.name]

    @property
    def planes(self) -> Planes:
        """The same as planes."""
        return self.unknown.to_planes(self.value)

    def at(self, value: Array) -> Unknowns:
        """All unknowns with another value of this one."""
        return replace(self.unknowns, **{self.unknown.name: value})

    def residual(self, term: Term) -> Callable[[Planes], Any]:
        """The residual of a term as a function of planes."""
        return lambda x: term.residual(self.at(self.unknown.from_planes(x, self.value)), self.observation)


def is_affine(term: Term, point: Point) -> bool:
    """Whether JAX can transpose the residual in the unknown, which it can if every operation is affine."""
    residual, x = point.residual(term), point.planes
    shape = jax.eval_shape(residual, x)
    try:
        jax.eval_shape(jax.linear_transpose(residual, x), shape)
    except Exception:  # JAX raises whatever the first operation that is not linear happens to raise
        return False
    return True


def affine(term: Term, eta: Number, point: Point) -> AffineTerm:
    """An affine residual as offset + linear(x), x as planes, whose dual steps by `eta` times its weight."""
    offset, linear = jax.linearize(point.residual(term), jax.tree.map(jnp.zeros_like, point.planes))
    return AffineTerm(term.weight, eta, offset, linear, term.norm)


def quadratic(term: Term, point: Point) -> QuadraticTerm:
    """The linearised residual under the quadratic majoriser of its norm; squares of affine residuals stay the same."""
    start = point.planes
    residual, linear = jax.linearize(point.residual(term), start)
    return QuadraticTerm(term.weight, term.norm.curvature(residual), start, residual, linear)


@runtime_checkable
class Storage(Protocol):
    """How the Hessian of quadratic terms is held. Instances are static and compare by value."""

    def __call__(self, terms: Sequence[QuadraticTerm]) -> tuple[Quadratic, ...]:
        """The same terms, held so."""
        ...


@dataclasses.dataclass(frozen=True)
class MatrixFree:
    """Not at all: conjugate gradients apply the residual's derivative and its adjoint."""

    def __call__(self, terms: Sequence[QuadraticTerm]) -> tuple[Quadratic, ...]:
        return tuple(terms)


@dataclasses.dataclass(frozen=True)
class PerPixel:
    """As one small matrix per pixel for all terms together, which is fast.

    The residual at a pixel must depend on the unknown at this pixel alone, and have the axes of the unknown, less its
    components, in front: [T, 2, H, W, ...] for the flow. Both is checked; where the first fails nothing is solved.
    """

    def __call__(self, terms: Sequence[QuadraticTerm]) -> tuple[Quadratic, ...]:
        return (at_pixels(terms),)


MATRIX_FREE, PER_PIXEL = MatrixFree(), PerPixel()


@runtime_checkable
class Linearisation(Protocol):
    """A convex model of the sum of some terms around a point. Instances are static and compare by value."""

    def __call__(self, terms: Sequence[Term], point: Point) -> Model:
        """Quadratic terms, and the slope of a linear one."""
        ...


@dataclasses.dataclass(frozen=True)
class GaussNewton:
    """Linearise residuals and majorise their norms: weight * sum q (r0 + J (x - x0))^2."""

    storage: Storage = MATRIX_FREE

    def __call__(self, terms: Sequence[Term], point: Point) -> Model:
        flat = jax.tree.map(jnp.zeros_like, point.planes)
        return self.storage([quadratic(term, point) for term in terms]), flat


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Eqs. (12), (15): rho(x0) + <grad rho(x0), x - x0>, the gradient by automatic differentiation.

    With a `reach` it is the mean of the gradients within that distance to either side, component by component, by the
    two points of Gauss: as smooth as a difference over the same way, and exact.
    """

    reach: float = 0.0

    def __call__(self, terms: Sequence[Term], point: Point) -> Model:
        here, unknown = point.value, point.unknown

        def cost(x):
            moved = point.at(x)
            values = (term_value(term, moved, point.observation) for term in terms)
            return sum(values, jnp.zeros((), x.dtype))

        def component(unit):
            sides = (jnp.clip(here + d * unit, unknown.lower, unknown.upper) for d in (step, -step))
            return sum(map(jax.grad(cost), sides), jnp.zeros_like(here)) / 2 * unit

        step = self.reach / 3**0.5
        slope = _by_component(component, point) if self.reach else jax.grad(cost)(here)
        return (), unknown.to_planes(slope)


@dataclasses.dataclass(frozen=True)
class FiniteDifference:
    """Eq. (12) as printed: grad rho(x0) = rho(x0 + 0.5) - rho(x0 - 0.5), pixel by pixel, component by component.

    An unknown nearer to a bound than that is stepped to the bound only, and the difference divided by the distance that
    is left.
    """

    step: float = 0.5

    def __call__(self, terms: Sequence[Term], point: Point) -> Model:
        here, unknown = point.value, point.unknown
        pixels = pixel_axes(unknown.axes)
        others = tuple(axis for axis in range(here.ndim) if axis not in pixels)
        shape = tuple(here.shape[axis] for axis in pixels)

        def component(unit):
            def cost(x):
                return jnp.expand_dims(cost_over(terms, point.at(x), point.observation, shape), others)

            above, below = (jnp.clip(here + d * unit, unknown.lower, unknown.upper) for d in (self.step, -self.step))
            distance = jnp.abs(above - below).sum(others, keepdims=True)
            return (cost(above) - cost(below)) / jnp.where(distance > 0, distance, 1) * unit

        return (), unknown.to_planes(_by_component(component, point))


def _by_component(slope: Callable[[Array], Array], point: Point) -> Array:
    """The sum of `slope` over the components of the unknown, each given as 1 there and 0 in the others."""
    here, pixels = point.value, pixel_axes(point.unknown.axes)
    sizes = [1 if axis in pixels else here.shape[axis] for axis in range(here.ndim)]
    count = math.prod(sizes)
    units = jnp.eye(count, dtype=here.dtype).reshape(count, *sizes)
    return jax.lax.map(slope, units).sum(0)
