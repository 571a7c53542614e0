"""The energy of Eq. (8): a dictionary of terms, and the pure functions every user needs of it."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.convex.norms import value
from gvd_jax.model.blur import BlurModel
from gvd_jax.model.terms import (
    ABSOLUTE,
    ISOTROPIC,
    SQUARED,
    TEMPORAL,
    TEMPORAL_FAR,
    VECTORIAL,
    DataResidual,
    Term,
    defocus_gradient,
    flow_gradient,
    latent_gradient,
)
from gvd_jax.model.variables import Observation, Unknowns
from gvd_jax.shapes import Scalar
from gvd_jax.trees import pytree, sum_behind

Energy = dict[str, Term]


@pytree
class Weights:
    """The weights of Eq. (8): lambda, mu, 1, nu_u and nu_sigma. Traced, so a sweep over them never recompiles."""

    data: Any
    temporal: Any
    latent_tv: Any
    flow_tv: Any
    defocus_tv: Any


def gvd_energy(weights: Weights, blur: BlurModel | None = None) -> Energy:
    """The terms of Eq. (8) under `weights`; `blur` models K and G (default: quadratic path, Gaussian defocus)."""
    return {
        "data": Term(weights.data, DataResidual(blur or BlurModel()), SQUARED),
        "temporal": Term(weights.temporal, TEMPORAL, ABSOLUTE),
        "temporal_far": Term(weights.temporal, TEMPORAL_FAR, ABSOLUTE),
        "latent_tv": Term(weights.latent_tv, latent_gradient, VECTORIAL),
        "flow_tv": Term(weights.flow_tv, flow_gradient, ISOTROPIC),
        "defocus_tv": Term(weights.defocus_tv, defocus_gradient, ISOTROPIC),
    }


def term_value(term: Term, unknowns: Unknowns, observation: Observation) -> Scalar:
    """weight * norm(residual) of one term."""
    return term.weight * value(term.norm, term.residual(unknowns, observation))


def cost_over(terms: Iterable[Term], unknowns: Unknowns, observation: Observation, shape: tuple[int, ...]) -> jax.Array:
    """Weighted cost of the terms, summed over all axes but the leading ones of `shape`: per frame, or per pixel.

    A cost that does not have these axes is shared out evenly.
    """
    total = jnp.zeros(shape, unknowns.latent.dtype)
    for term in terms:
        for cost in jax.tree.leaves(term.norm.cost(term.residual(unknowns, observation))):
            own = cost.shape[: len(shape)] == shape
            part = sum_behind(cost, len(shape)) if own else sum_behind(cost, 0) / total.size
            total = total + term.weight * part
    return total


def evaluate(energy: Energy, unknowns: Unknowns, observation: Observation) -> tuple[Scalar, dict[str, Scalar]]:
    """Total energy and its breakdown per term. Pure: jit, vmap and grad apply."""
    parts = {name: term_value(term, unknowns, observation) for name, term in energy.items()}
    return sum(parts.values()), parts  # pyright: ignore[reportReturnType]


def energy_gradient(energy: Energy, unknowns: Unknowns, observation: Observation) -> Unknowns:
    """Gradient of the total energy in every unknown."""
    return jax.grad(lambda v: evaluate(energy, v, observation)[0])(unknowns)
