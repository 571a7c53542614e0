"""Norms of a residual: value, prox, and the prox of the weighted conjugate by Moreau's identity.

A residual is a pytree of arrays. Every norm here is separable over groups of residual entries.
"""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from gvd_jax.errors import InputError
from gvd_jax.trees import pytree, static, sum_behind

SMALL = 4e-3  # one gray level


@runtime_checkable
class Norm(Protocol):
    """What a term asks of its norm. Instances are static: they are part of the program, and compared by value."""

    def cost(self, residual) -> Any:
        """The cost of each group; sums to the value. A pytree or array of the residual's leading axes."""
        ...

    def prox(self, residual, step) -> Any:
        """argmin_z norm(z) + |z - residual|^2 / (2 step)."""
        ...

    def curvature(self, residual) -> Any:
        """q with norm(z) <= sum q z^2 + const, equal at `residual`: the quadratic majoriser of reweighting."""
        ...


@pytree
class SquaredL2:
    """Sum of squares."""

    def cost(self, residual):
        return jax.tree.map(jnp.square, residual)

    def prox(self, residual, step):
        return jax.tree.map(lambda r: r / (1 + 2 * step), residual)

    def curvature(self, residual):
        return jax.tree.map(jnp.ones_like, residual)


@pytree
class L1:
    """Sum of absolute values; a residual below `floor` is majorised as if it were that large."""

    floor: float = static(default=SMALL)

    def cost(self, residual):
        return jax.tree.map(jnp.abs, residual)

    def prox(self, residual, step):
        return jax.tree.map(lambda r: jnp.sign(r) * jnp.maximum(jnp.abs(r) - step, 0), residual)

    def curvature(self, residual):
        return jax.tree.map(lambda r: 0.5 / jnp.maximum(jnp.abs(r), self.floor), residual)


@pytree
class GroupL2:
    """Sum of the Euclidean norms of groups: an entry of all leaves of the residual forms one group.

    The isotropic total variation is the group norm of the pair (dx, dy). A group below `floor` is majorised as if it
    were that large.
    """

    floor: float = static(default=SMALL)

    def cost(self, residual):
        squares = jax.tree.leaves(jax.tree.map(jnp.square, residual))
        total = sum(squares[1:], squares[0])
        # sqrt has no gradient at 0; the norm's subgradient there is 0.
        return jnp.where(total > 0, jnp.sqrt(jnp.where(total > 0, total, 1)), 0)

    def prox(self, residual, step):
        length = self.cost(residual)
        shrink = jnp.maximum(length - step, 0) / jnp.where(length > 0, length, 1)
        return jax.tree.map(lambda r: shrink * r, residual)

    def curvature(self, residual):
        q = 0.5 / jnp.maximum(self.cost(residual), self.floor)
        return jax.tree.map(lambda r: jnp.broadcast_to(q, r.shape), residual)


@pytree
class HyperLaplacian:
    """Sum of (r^2 + floor^2)^(exponent / 2), exponent <= 1: sparser than the absolute value, and not convex.

    For reweighting only: it has no prox in closed form. After Krishnan and Fergus (2009).
    """

    exponent: float = static()
    floor: float = static(default=SMALL)

    def cost(self, residual):
        return jax.tree.map(lambda r: (r * r + self.floor**2) ** (self.exponent / 2), residual)

    def prox(self, residual, step):
        raise InputError("a hyper-Laplacian has no prox: give its term the role Quadratic() or Linearised()")

    def curvature(self, residual):
        return jax.tree.map(lambda r: self.exponent / 2 * (r * r + self.floor**2) ** (self.exponent / 2 - 1), residual)


def value(norm: Norm, residual) -> jax.Array:
    """The norm of a residual, a scalar."""
    return sum(sum_behind(leaf, 1).sum() for leaf in jax.tree.leaves(norm.cost(residual)))  # pyright: ignore[reportReturnType]


def conjugate_prox(norm: Norm, dual, step: jax.Array | float, weight: jax.Array | float):
    """prox of `step` times the conjugate of `weight * norm` at `dual` (Moreau).

    For a norm that is positively homogeneous this projects onto the dual ball of radius `weight`: the
    max(1, abs(.)) of Eqs. (10), (14) and (17).
    """
    near = _near(norm, dual, step, weight)
    return jax.tree.map(lambda y, z: y - step * z, dual, near)


def beyond_bound(norm: Norm, dual, step: jax.Array | float, weight: jax.Array | float) -> jax.Array:
    """The share of groups that `conjugate_prox` moves: beyond the ball, for a norm that is positively homogeneous."""
    costs = jax.tree.leaves(norm.cost(_near(norm, dual, step, weight)))
    count = sum(cost.size for cost in costs)
    moved = jnp.asarray(sum(jnp.count_nonzero(cost) for cost in costs), costs[0].dtype)
    return moved / jnp.asarray(count, costs[0].dtype)


def _near(norm: Norm, dual, step, weight):
    return norm.prox(jax.tree.map(lambda y: y / step, dual), weight / step)
