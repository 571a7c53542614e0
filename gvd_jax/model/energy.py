"""The energy of Eq. (8): a dictionary of terms, which carries all weights, and the functions every user needs of it."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp

from gvd_jax.convex.norms import value
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import (
    ABSOLUTE,
    ISOTROPIC,
    SQUARED,
    TEMPORAL,
    TEMPORAL_FAR,
    VECTORIAL,
    Term,
    data_residual,
    defocus_gradient,
    flow_gradient,
    latent_gradient,
)
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.shapes import Number, Scalar
from gvd_jax.trees import sum_behind

Energy = dict[str, Term]


def gvd_energy(data: Number, temporal: Number, latent_tv: Number, flow_tv: Number, defocus_tv: Number) -> Energy:
    """The terms of Eq. (8) under its weights lambda, mu, 1, nu_u and nu_sigma, which are traced.

    N = 2 of Eq. (5) makes two terms of one weight: "temporal" of the nearest neighbours and "temporal_far".
    """
    return {
        "data": Term(data, data_residual, SQUARED),
        "temporal": Term(temporal, TEMPORAL, ABSOLUTE),
        "temporal_far": Term(temporal, TEMPORAL_FAR, ABSOLUTE),
        "latent_tv": Term(latent_tv, latent_gradient, VECTORIAL),
        "flow_tv": Term(flow_tv, flow_gradient, ISOTROPIC),
        "defocus_tv": Term(defocus_tv, defocus_gradient, ISOTROPIC),
    }


def term_value(term: Term, unknowns: Unknowns, observation: Observation) -> Scalar:
    """weight * norm(residual) of one term."""
    return term.weight * value(term.norm, term.residual(unknowns, observation))


def cost_over(terms: Iterable[Term], unknowns: Unknowns, observation: Observation, shape: tuple[int, ...]) -> jax.Array:
    """Weighted cost of the terms, summed over all axes but the leading ones of `shape`: per frame, or per pixel.

    A cost that does not have these axes is shared out evenly.
    """
    total = jnp.zeros(shape, observation.blurry.dtype)
    for term in terms:
        for cost in jax.tree.leaves(term.norm.cost(term.residual(unknowns, observation))):
            own = cost.shape[: len(shape)] == shape
            part = sum_behind(cost, len(shape)) if own else sum_behind(cost, 0) / total.size
            total = total + term.weight * part
    return total


def evaluate(energy: Energy, unknowns: Unknowns, observation: Observation) -> tuple[Scalar, dict[str, Scalar]]:
    """Total energy and its breakdown per term. Pure: jit, vmap and grad apply."""
    parts = {name: term_value(term, unknowns, observation) for name, term in energy.items()}
    return sum(parts.values(), jnp.zeros((), observation.blurry.dtype)), parts


def energy_gradient(energy: Energy, unknowns: Unknowns, observation: Observation) -> Unknowns:
    """Gradient of the total energy in every unknown."""
    return jax.grad(lambda v: evaluate(energy, v, observation)[0])(unknowns)
