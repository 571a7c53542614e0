"""The terms of Eqs. (4)-(6), each a residual, a norm and a traced weight.

A residual takes (unknowns, observation) and returns an array or a tuple of arrays; everything else (value, gradient,
operator, adjoint, prox, breakdown) follows from it. A residual is static: give a parametrised one as a frozen dataclass
with `__call__`, so that equal residuals share a compiled program.
"""

from collections.abc import Callable
from typing import Any

import jax

from gvd_jax.convex.norms import L1, GroupL2, Norm, SquaredL2
from gvd_jax.model.blur import BlurModel
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.ops.differences import image_gradient
from gvd_jax.ops.warp import NEIGHBOURS, compose, warp
from gvd_jax.trees import pytree, static

Residual = Callable[[Unknowns, Observation], Any]

# Eq. (4) lists derivative filters only, which leaves a constant per frame free: the zero-order residual joins with
# weight 0.25 (of the squares), as in the authors' code of reference [20].
ZERO_ORDER_WEIGHT = 0.25


@pytree
class Term:
    """weight * norm(residual(unknowns, observation))."""

    weight: Any
    residual: Residual = static()
    norm: Norm = static()


@pytree
class DataResidual:
    """Eq. (4): K G L - B and its two derivatives, taken outside K as printed."""

    blur: BlurModel = static(BlurModel())

    def __call__(self, unknowns: Unknowns, observation: Observation):
        predicted = self.blur(unknowns.latent, unknowns.flow, unknowns.defocus, observation.duty_cycle)
        error = predicted - observation.blurry
        return (ZERO_ORDER_WEIGHT**0.5 * error, *image_gradient(error, 1))


def temporal_residual(unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, ...]:
    """Eq. (5): L_i(x) - L_{i+n}(x + u_{i->i+n}) for n = -2, -1, 1, 2, where the neighbour is visible. N x [T, H, W, C].

    The visibility (frame exists, position inside, not occluded) is observed, not recomputed from the flow: a cost that
    ends at the border rewards flow that leaves the image.
    """
    neighbours = warp(unknowns.latent, compose(unknowns.flow))
    error = observation.visibility[..., None] * (unknowns.latent[:, :, :, None] - neighbours)
    return tuple(error[:, :, :, n] for n in range(len(NEIGHBOURS)))


def latent_gradient(unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, jax.Array]:
    """Eq. (6), first term: the gradient of the latent frames, 2 x [T, H, W, C]."""
    return image_gradient(unknowns.latent, 1)


def flow_gradient(unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, jax.Array]:
    """Eq. (6), third term: zeta times the gradient of both flows, 2 x [T, 2, H, W, 2]."""
    dx, dy = image_gradient(unknowns.flow, 2)
    zeta = observation.edge_map[:, None, :, :, None]
    return zeta * dx, zeta * dy


def defocus_gradient(unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, jax.Array]:
    """Eq. (6), second term: zeta times the gradient of the defocus map, 2 x [T, H, W]."""
    dx, dy = image_gradient(unknowns.defocus, 1)
    return observation.edge_map * dx, observation.edge_map * dy


SQUARED = SquaredL2()
ABSOLUTE = L1()
VECTORIAL = GroupL2(axes=(-1,))  # total variation joint over the last axis: colour channels, or the flow's components
ISOTROPIC = GroupL2()
