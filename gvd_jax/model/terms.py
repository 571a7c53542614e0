"""The terms of Eqs. (4)-(6), each a residual, a norm and a traced weight.

A residual takes (unknowns, observation) and returns an array or a tuple of arrays; everything else (value, gradient,
operator, adjoint, prox, breakdown) follows from it. A function is part of the compiled program. Give a parametrised one
as a `pytree` with `__call__`: its arrays are traced, to be swept and learned; equal static fields share a program.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.norms import L1, GroupL2, Norm, SquaredL2
from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.differences import image_gradient
from gvd_jax.ops.filters import central_gradient, smooth, smooth_gradient
from gvd_jax.ops.warp import DISTANCES, displacements, warp
from gvd_jax.shapes import Number
from gvd_jax.trees import code, pytree, static

Residual = Callable[[Unknowns, Observation], Any]

# Eq. (4) lists derivative filters only, which leaves a constant per frame free: the zero-order residual joins with
# weight 0.25 (of the squares), as in the authors' code of reference [20].
ZERO_ORDER_WEIGHT = 0.25
# Display values below it are measured as here: the curve is flat in the dark, and noise of the light shows there.
DARK = 0.1


def channels(x: jax.Array) -> tuple[jax.Array, ...]:
    """The channels of x [..., C], C x [...]: what has a short last axis is not vectorised."""
    return tuple(part[..., 0] for part in jnp.split(x, x.shape[-1], -1))


def visible_at(distance: int, observation: Observation) -> jax.Array:
    """The visibility of the two neighbours at a `distance`, [T, 2, H, W]."""
    first = 2 * DISTANCES.index(distance)
    return observation.visibility[:, first : first + 2]


@pytree
class Term:
    """weight * norm(residual(unknowns, observation)). The weight is traced, and so are the arrays of the residual.

    Arrays that a residual knows per pixel or frame are declared with `held`, and follow the clip to windows and levels.
    """

    weight: Number
    residual: Residual = code()
    norm: Norm = static()


def data_residual(unknowns: Unknowns, observation: Observation) -> tuple[tuple[jax.Array, ...], ...]:
    """Eq. (4): K G L - B and its two derivatives, taken outside K as printed. For each channel 3 x [T, H, W].

    The difference is that of light in display values, to first order: the weight of a residual that is left, and of
    noise, is that of the other terms, and the same in the shade as in the light. A sensor clips at 1.
    """
    transfer, blurry = observation.transfer, observation.blurry
    light = observation.blur(transfer.to_linear(unknowns.latent), unknowns, observation)
    difference = (jnp.minimum(light, 1.0) - transfer.to_linear(blurry)) / transfer.slope(jnp.maximum(blurry, DARK))
    believed = observation.confidence > 0  # at 0 a root has no derivative
    trust = jnp.where(believed, jnp.sqrt(jnp.where(believed, observation.confidence, 1)), 0)

    def residual(error):
        return tuple(trust * r for r in (ZERO_ORDER_WEIGHT**0.5 * error, *image_gradient(error, 1)))

    return tuple(residual(error) for error in channels(difference))


@pytree
class TemporalResidual:
    """Eq. (5): L_i(x) - L_{i+n}(x + u_{i->i+n}) for n = distance and -distance where that is visible.

    For both neighbours C x [T, H, W].

    The visibility (frame exists, position inside, not occluded) is observed, not recomputed from the flow: a cost that
    ends at the border rewards flow that leaves the image.
    """

    distance: int = static()

    def __call__(self, unknowns: Unknowns, observation: Observation) -> tuple[tuple[jax.Array, ...], ...]:
        read = warp(unknowns.latent, displacements(unknowns.flow, self.distance), self.distance)
        seen = visible_at(self.distance, observation)
        return tuple(
            tuple(
                seen[:, k] * (here - there[:, k])
                for here, there in zip(channels(unknowns.latent), channels(read), strict=True)
            )
            for k in (0, 1)
        )


@pytree
class ConstancyResidual:
    """Not in the paper: `features` of the latent frames keep their value along the flow to n = 1 and -1, in pixels.

    As many [T, 2, H, W] as there are features.

    Every feature difference is divided by the length of the feature's gradient, which turns it into the distance by
    which the flow is off (Zimmer, Bruhn, Weickert 2011): a strong edge then says no more than a weak one, and texture
    that is still blurry no less than a sharp one. `softness` is the gradient that noise has.
    """

    features: Callable[[jax.Array], jax.Array] = static()
    softness: float = static()

    def __call__(self, unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, ...]:
        features = self.features(unknowns.latent)
        dx, dy = jnp.split(central_gradient(features), 2, -1)
        scale = jax.lax.rsqrt(dx * dx + dy * dy + self.softness**2)
        error = scale[:, None] * (features[:, None] - warp(features, unknowns.flow, 1))
        return tuple(visible_at(1, observation) * e for e in channels(error))


def latent_gradient(unknowns: Unknowns, observation: Observation) -> tuple[tuple[jax.Array, jax.Array], ...]:
    """Eq. (6), first term: the gradient of the latent frames, for each channel 2 x [T, H, W]."""
    return tuple(image_gradient(channel, 1) for channel in channels(unknowns.latent))


def flow_gradient(unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, ...]:
    """Eq. (6), third term: zeta times the gradient of both flows, of their x and y component, 4 x [T, 2, H, W]."""
    zeta = observation.edge_map[:, None]
    parts = (part for axis in (0, 1) for part in image_gradient(unknowns.flow[..., axis], 2))
    return tuple(zeta * part for part in parts)


def defocus_gradient(unknowns: Unknowns, observation: Observation) -> tuple[jax.Array, jax.Array]:
    """Eq. (6), second term: zeta times the gradient of the defocus map, 2 x [T, H, W]."""
    dx, dy = image_gradient(unknowns.defocus, 1)
    return observation.edge_map * dx, observation.edge_map * dy


# N = 2 of Eq. (5) in two terms of one weight: the flow subproblem may leave out the far one, whose derivative passes
# through two flows and costs four times as much.
TEMPORAL = TemporalResidual(1)
TEMPORAL_FAR = TemporalResidual(2)
BRIGHTNESS = ConstancyResidual(smooth, 0.01)
STRUCTURE = ConstancyResidual(smooth_gradient, 0.003)

SQUARED = SquaredL2()
ABSOLUTE = L1()
VECTORIAL = GroupL2()  # total variation joint over the colour channels
# Majorised below 0.02 px: flatter than that is flat, and conjugate gradients stay well conditioned.
ISOTROPIC = GroupL2(floor=0.02)
