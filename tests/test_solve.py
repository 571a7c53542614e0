"""The subproblem solver: Eqs. (9)-(17) on tiny clips."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.convex.pdhg import Steps
from gvd_jax.model.blur import BlurModel
from gvd_jax.model.energy import Weights, gvd_energy
from gvd_jax.model.terms import BRIGHTNESS, ISOTROPIC, STRUCTURE, Term
from gvd_jax.model.variables import Unknowns, observe
from gvd_jax.ops.exposure import piecewise_linear_path
from gvd_jax.solve import subproblem
from gvd_jax.solve.blocks import CONSTANCY_FLOW, DEFOCUS, FLOW, LATENT, REWEIGHTED_DEFOCUS, START_FLOW
from gvd_jax.solve.subproblem import BlockOptions
from gvd_jax.trees import replace
from tests.problems import translating

MODEL = BlurModel(piecewise_linear_path, 3, (0.0, 0.5, 1.0))
WEIGHTS = Weights(data=2.5e4, temporal=2.0, latent_tv=0.5, flow_tv=1.0, defocus_tv=1.0)
SIGMA, DUTY_CYCLE = 0.6, 0.5
TRACES = []

pytestmark = pytest.mark.usefixtures("x64")


def whole_energy(weights):
    constancy = {"brightness": Term(0.05, BRIGHTNESS, ISOTROPIC), "structure": Term(0.5, STRUCTURE, ISOTROPIC)}
    return gvd_energy(weights, MODEL) | constancy


@partial(jax.jit, static_argnums=0)
def solved(block, weights, unknowns, observation, options):
    TRACES.append(block)
    return subproblem.run(block, whole_energy(weights), unknowns, observation, options)


@partial(jax.jit, static_argnums=0)
def energy_of(block, weights, unknowns, observation):
    return sum(subproblem.frame_terms(block, whole_energy(weights), unknowns, observation).values()).sum()


def blurred_clip():
    """The truth and its observation: a pattern in translation, out of focus, blurred."""
    latent, flow = translating((1.2, -0.7))
    truth = Unknowns(latent, flow, jnp.full(latent.shape[:3], SIGMA))
    tau = jnp.full(3, DUTY_CYCLE)
    return truth, observe(MODEL(latent, flow, truth.defocus, tau), tau)


PRIMAL_DUAL = Steps(dual=5.0, iterations=15, cg_iterations=5)
CASES = {  # block, start, options, and the share of the error that may be left
    "eq9_latent": (LATENT, lambda v, o: o.blurry, BlockOptions(PRIMAL_DUAL, 0.5, 0.0, 1.0, 2), 0.6),
    "eq11_flow": (
        FLOW,
        lambda v, o: v.flow + 0.3,
        BlockOptions(Steps(0.05, cg_iterations=5), 0.1, linearisations=4),
        0.6,
    ),
    "eq15_defocus": (DEFOCUS, lambda v, o: v.defocus - 0.3, BlockOptions(PRIMAL_DUAL, 0.1, 0.0, 1.0, 4), 0.6),
    "reweighted_defocus": (
        REWEIGHTED_DEFOCUS,
        lambda v, o: v.defocus - 0.3,
        BlockOptions(Steps(cg_iterations=10), 0.1, 0.0, 1.0, 4),
        0.3,
    ),
    # A third of the motion leads out of the clip: without the data term nothing is known of it.
    "start_flow": (
        START_FLOW,
        lambda v, o: 0 * v.flow,
        BlockOptions(Steps(cg_iterations=20), 0.5, linearisations=5),
        0.4,
    ),
    "constancy_flow": (
        CONSTANCY_FLOW,
        lambda v, o: v.flow + 0.5,
        BlockOptions(Steps(cg_iterations=20), 0.2, linearisations=4),
        0.3,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_energy_never_rises_and_the_truth_comes_nearer(name):
    block, start, options, left = CASES[name]
    truth, observation = blurred_clip()
    x = start(truth, observation)
    guess = replace(truth, **{block.unknown: x})
    result, info = solved(block, WEIGHTS, guess, observation, options)
    found = getattr(result, block.unknown)

    before, after = (sum(terms.values()) for terms in (info.before, info.after))
    assert (after <= before).all() and after[-1] < 0.9 * before[0]
    np.testing.assert_allclose(before[1:], after[:-1], rtol=1e-9)
    np.testing.assert_allclose(energy_of(block, WEIGHTS, result, observation), after[-1], rtol=1e-9)
    assert set(info.saturated) == set(block.dual)
    assert all(((share >= 0) & (share <= 1)).all() for share in info.saturated.values())
    assert jnp.abs(found - x).max() <= options.radius * options.linearisations + 1e-12
    assert options.lower <= found.min() and found.max() <= options.upper
    for other in {"latent", "flow", "defocus"} - {block.unknown}:
        np.testing.assert_array_equal(getattr(result, other), getattr(truth, other))
    error, first = (jnp.abs(y - getattr(truth, block.unknown)).mean() for y in (found, x))
    assert error < left * first
