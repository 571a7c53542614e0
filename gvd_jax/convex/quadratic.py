"""Quadratic terms, as conjugate gradients see them: a gradient where they start and a Hessian that is applied."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from gvd_jax.convex.linear import NEAR, LinearMap, adjoint, irregular_signs
from gvd_jax.trees import tree_sum


@runtime_checkable
class Quadratic(Protocol):
    """A term that conjugate gradients solve, inside the prox or alone, around the point where they start."""

    @property
    def start_slope(self) -> Any:
        """Its gradient at that point."""
        ...

    def curve(self, v: Any) -> Any:
        """Its Hessian times v."""
        ...


@dataclasses.dataclass(frozen=True)
class QuadraticTerm:
    """weight * sum(curvature * (residual + linear(x - start))^2): `residual` is that at `start`."""

    weight: Any
    curvature: Any
    start: Any
    residual: Any
    linear: LinearMap

    @property
    def start_slope(self) -> Any:
        return self._pull(self.residual)

    def curve(self, v: Any) -> Any:
        return self._pull(self.linear(v))

    def force(self, residual: Any) -> Any:
        """The gradient of the weighted squares in their residual."""
        return jax.tree.map(lambda q, r: 2 * self.weight * q * r, self.curvature, residual)

    def _pull(self, residual: Any) -> Any:
        return adjoint(self.linear, self.start)(self.force(residual))


@dataclasses.dataclass(frozen=True)
class PixelTerm:
    """Quadratic terms whose residual at a pixel depends on the planes of x at this pixel alone.

    However many they are, their Hessian is one symmetric matrix per pixel: `matrix[k][m]` is the plane of its entry
    (k, m), read where k <= m. `holds` says whether they are as was claimed.
    """

    matrix: tuple[tuple[jax.Array, ...], ...]
    start_slope: tuple[jax.Array, ...]
    holds: jax.Array

    def curve(self, v: Any) -> Any:
        count = range(len(v))
        return tuple(sum(self.matrix[min(k, m)][max(k, m)] * v[m] for m in count) for k in count)


def at_pixels(terms: Sequence[QuadraticTerm]) -> PixelTerm:
    """The sum of `terms` around one point as one. Residuals have the axes of the planes first.

    Whether they depend on their own pixel alone is tried: then half of the pixels, moved, move what they move together.
    """
    start = terms[0].start
    count = range(len(start))

    def product(x, y):
        parts = jax.tree.leaves(jax.tree.map(jnp.multiply, x, y))
        return sum((part.reshape(*start[0].shape, -1).sum(-1) for part in parts), jnp.zeros_like(start[0]))

    half = jnp.maximum(irregular_signs(start[0].shape, start[0].dtype), 0)
    # A loop, for XLA would compute the derivatives anew for each of the products.
    units = tuple(jnp.stack([*(jnp.full_like(x, k == m) for k in count), half]) for m, x in enumerate(start))
    stacked = jax.lax.map(lambda unit: [term.linear(unit) for term in terms], units)
    *columns, by_half = ([jax.tree.map(lambda c, k=k: c[k], part) for part in stacked] for k in range(len(start) + 1))
    forces = [[term.force(part) for term, part in zip(terms, column, strict=True)] for column in columns]
    at_start = [term.force(term.residual) for term in terms]
    matrix = tuple(tuple(product(forces[k], columns[m]) for m in count) for k in count)
    slope = tuple(product(column, at_start) for column in columns)
    return PixelTerm(matrix, slope, _follows(half, tree_sum(columns[1:], columns[0]), by_half))


def _follows(half: jax.Array, whole: Any, by_half: Any) -> jax.Array:
    """Whether what half of the pixels move is what all move, there, and nothing elsewhere."""

    def agrees(all_of_it, part):
        behind = all_of_it.ndim - half.ndim
        expected = half.reshape(*half.shape, *[1] * behind) * all_of_it
        return jnp.abs(part - expected).max() <= NEAR * jnp.abs(all_of_it).max()

    return jnp.stack(jax.tree.leaves(jax.tree.map(agrees, whole, by_half))).all()
