"""The subproblem solver: Eqs. (9)-(17) on tiny clips."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.convex.pdhg import Steps
from gvd_jax.model.blur import Blur, GaussianDefocus, MotionBlur
from gvd_jax.model.energy import gvd_energy
from gvd_jax.model.observation import observe
from gvd_jax.model.terms import BRIGHTNESS, ISOTROPIC, STRUCTURE, Term
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.exposure import piecewise_linear_path
from gvd_jax.solve import subproblem
from gvd_jax.solve.blocks import (
    CONSTANCY_FLOW,
    DEFOCUS_BLOCK,
    FLOW_BLOCK,
    LATENT_BLOCK,
    START_FLOW,
    Dual,
    Linearised,
)
from gvd_jax.solve.subproblem import BlockOptions, solve_subproblem
from gvd_jax.trees import replace
from tests.problems import translating

BLUR = Blur((MotionBlur(piecewise_linear_path, 3), GaussianDefocus((0.0, 0.5, 1.0))))
ENERGY = gvd_energy(data=2.5e4, temporal=2.0, latent_tv=0.5, flow_tv=1.0, defocus_tv=1.0) | {
    "brightness": Term(0.05, BRIGHTNESS, ISOTROPIC),
    "structure": Term(0.5, STRUCTURE, ISOTROPIC),
}
SIGMA, DUTY_CYCLE = 0.6, 0.5

pytestmark = pytest.mark.usefixtures("x64")


@jax.jit
def energy_of(block, unknowns, observation):
    return sum(subproblem.frame_terms(block, ENERGY, unknowns, observation).values()).sum()


solved = jax.jit(solve_subproblem)


def blurred_clip():
    """The truth and its observation: a pattern in translation, out of focus, blurred."""
    latent, flow = translating((1.2, -0.7))
    truth = Unknowns(latent=latent, flow=flow, defocus=jnp.full(latent.shape[:3], SIGMA))
    observation = observe(latent, DUTY_CYCLE, BLUR)
    return truth, replace(observation, blurry=BLUR(latent, truth, observation))


PRIMAL_DUAL = Steps(iterations=15, cg_iterations=5)


def stepping(block, eta, **bounds):
    """The block with these dual steps and bounds."""
    roles = block.roles | {name: Dual(eta) for name in block.dual}
    return replace(block, roles=roles, unknown=replace(block.unknown, **bounds))


CASES = {  # block, start, options, and the share of the error that may be left
    "eq9_latent": (
        stepping(LATENT_BLOCK, 5.0, upper=1.0),
        lambda v, o: o.blurry,
        BlockOptions(PRIMAL_DUAL, 0.5, 2),
        0.6,
    ),
    "eq11_flow": (
        stepping(FLOW_BLOCK, 0.05),
        lambda v, o: v.flow + 0.3,
        BlockOptions(Steps(cg_iterations=5), 0.1, linearisations=4),
        0.6,
    ),
    "eq15_defocus": (
        stepping(DEFOCUS_BLOCK, 5.0, upper=1.0),
        lambda v, o: v.defocus - 0.3,
        BlockOptions(PRIMAL_DUAL, 0.1, 4),
        0.6,
    ),
    "reweighted_defocus": (
        stepping(DEFOCUS_BLOCK.with_term("defocus_tv", Linearised()), 5.0, upper=1.0),
        lambda v, o: v.defocus - 0.3,
        BlockOptions(Steps(cg_iterations=10), 0.1, 4),
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


@pytest.mark.parametrize("case", CASES)
def test_energy_never_rises_and_the_truth_comes_nearer(case):
    block, start, options, left = CASES[case]
    truth, observation = blurred_clip()
    x = start(truth, observation)
    name, declared = block.unknown.name, block.unknown
    guess = replace(truth, **{name: x})
    result, info = solved(block, ENERGY, guess, observation, options)
    found = result[name]

    before, after = (sum(terms.values()) for terms in (info.before, info.after))
    assert (after <= before).all() and after[-1] < 0.9 * before[0]
    np.testing.assert_allclose(before[1:], after[:-1], rtol=1e-9)
    np.testing.assert_allclose(energy_of(block, result, observation), after[-1], rtol=1e-9)
    assert set(info.saturated) == set(block.dual)
    assert all(((share >= 0) & (share <= 1)).all() for share in info.saturated.values())
    assert jnp.abs(found - x).max() <= options.radius * options.linearisations + 1e-12
    assert declared.lower <= found.min() and found.max() <= declared.upper
    for other in {"latent", "flow", "defocus"} - {name}:
        np.testing.assert_array_equal(result[other], truth[other])
    error, first = (jnp.abs(y - truth[name]).mean() for y in (found, x))
    assert error < left * first
