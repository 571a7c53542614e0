"""Derivatives through solver and method against differences, in float64: of weights, tau and arrays."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

import gvd_jax as gvd
from gvd_jax.model.terms import latent_gradient
from gvd_jax.trees import replace, tree_add, tree_dot
from tests.settings import small

SHAPE = (3, 6, 7, 1)
BLUR = gvd.Blur((gvd.MotionBlur(samples=3),))
BLOCK = gvd.LATENT_BLOCK.without("temporal_far")  # whose derivative in the flow is long to compile
BLOCK = replace(BLOCK, roles=BLOCK.roles | {name: gvd.Dual(2.0) for name in BLOCK.dual})
SHORT = gvd.BlockOptions(gvd.Steps(iterations=3, cg_iterations=3), jnp.inf, linearisations=2)
LONG = gvd.BlockOptions(gvd.Steps(iterations=700, cg_iterations=8), jnp.inf)

pytestmark = pytest.mark.usefixtures("x64")


def problem():
    """Numbers that a solution depends on: weights, duty cycle, blurry frames, start of the latent frames, flow."""
    rng = np.random.default_rng(0)
    latent = np.clip(ndimage.gaussian_filter(rng.random(SHAPE), (0, 1, 1, 0)), 0.2, 0.8)
    flow = np.zeros((3, 2, 6, 7, 2))
    flow[:, 0, ..., 0], flow[:, 1, ..., 0], flow[..., 1] = 1.3, -1.1, 0.4
    tau, truth = jnp.full(3, 0.4), gvd.Unknowns(flow=jnp.asarray(flow))
    sharp = jnp.asarray(latent)
    blurry = BLUR(sharp, truth, gvd.observe(sharp, tau)) + 0.01 * rng.standard_normal(SHAPE)
    weights = {"data": 50.0, "temporal": 0.5, "latent_tv": 0.3, "flow_tv": 1.0}
    numbers = {"weights": weights, "tau": tau, "blurry": blurry, "start": blurry, "flow": flow}
    # One type for all, moved or not: one program each of the value and of the derivative.
    return jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), numbers)


def loss(solver, options, numbers, block=BLOCK):
    """A linear function of the latent frames that `solver` finds."""
    energy = gvd.gvd_energy(**numbers["weights"], defocus_tv=1.0)
    unknowns = gvd.Unknowns(latent=numbers["start"], flow=numbers["flow"])
    observation = gvd.observe(numbers["blurry"], numbers["tau"], BLUR)
    solution = solver(block, energy, unknowns, observation, options)
    latent = (solution[0] if isinstance(solution, tuple) else solution).latent
    return (latent * jnp.asarray(np.random.default_rng(1).standard_normal(SHAPE))).sum()


def loss_of_the_method(numbers):
    """The same of `deblur_pure`, on one level: a solve in gray, then one of the channel from there, both unrolled."""
    config = small(gvd.Config.default(), "latent", "colour").with_weights(**numbers["weights"])
    own = {"block": BLOCK.without("temporal"), "options": SHORT}
    config = config.with_stages(lambda stage: (stage if stage is config.first else replace(stage, **own),))
    latent = gvd.deblur_pure(numbers["blurry"], numbers["tau"], config, numbers["flow"]).latent
    return (latent * jnp.asarray(np.random.default_rng(1).standard_normal(SHAPE))).sum()


CASES = {
    "implicit": (partial(loss, gvd.solve_implicit, LONG), ("weights", "tau", "blurry", "flow")),
    "unrolled": (loss_of_the_method, ("weights", "tau", "blurry", "flow")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_agrees_with_differences(name):
    function, parts = CASES[name]
    numbers = problem()
    value, slope = jax.jit(function), jax.jit(jax.grad(function))(numbers)
    for part in parts:
        leaves, structure = jax.tree.flatten(numbers[part])
        rng = np.random.default_rng(2)
        # Weights move by a share of theirs: the others by little, so that no flow crosses a pixel.
        way = [1e-6 * (leaf if part == "weights" else 1) * rng.standard_normal(np.shape(leaf)) for leaf in leaves]
        direction = jax.tree.unflatten(structure, way)
        ends = [
            value(numbers | {part: jax.tree.map(lambda x, d, s=side: x + s * d, numbers[part], direction)})
            for side in (1, -1)
        ]
        expected = (ends[0] - ends[1]) / 2
        np.testing.assert_allclose(tree_dot(slope[part], direction), expected, rtol=1e-3, err_msg=part)
    if name == "implicit":  # a solution does not depend on where it was started from
        np.testing.assert_allclose(slope["start"], 0, atol=1e-8)


def near(unknowns, observation):
    return unknowns.latent - observation.blurry


def test_forward_and_reverse_mode_of_a_solution_are_its_difference():
    """Of denoised frames in the noisy ones, in a weight, and in a dual step, which they do not depend on."""
    blurry = problem()["blurry"]

    def function(blurry, weight, eta):
        energy = {
            "near": gvd.Term(20.0, near, gvd.SquaredL2()),
            "latent_tv": gvd.Term(weight, latent_gradient, gvd.GroupL2()),
        }
        block = gvd.Block(gvd.LATENT, {"near": gvd.Quadratic(), "latent_tv": gvd.Dual(eta)})
        unknowns, observation = gvd.Unknowns(latent=blurry), gvd.observe(blurry, 0.4, BLUR)
        latent = gvd.solve_implicit(block, energy, unknowns, observation, LONG).latent
        return (latent * jnp.asarray(np.random.default_rng(1).standard_normal(SHAPE))).sum()

    here = blurry, jnp.asarray(0.3), jnp.asarray(2.0)
    way = jnp.asarray(0.01 * np.random.default_rng(2).standard_normal(SHAPE)), jnp.asarray(0.01), jnp.asarray(0.1)
    forward = jax.jit(lambda t: jax.jvp(function, tree_add(here, way, t), way))
    ends = [forward(t)[0] for t in (1e-3, -1e-3)]
    slope = jax.jit(jax.grad(function, (0, 1, 2)))(*here)
    along = forward(0.0)[1]
    np.testing.assert_allclose(along, (ends[0] - ends[1]) / 2e-3, rtol=1e-5)
    np.testing.assert_allclose(along, tree_dot(slope, way), rtol=1e-7)
    np.testing.assert_allclose(slope[2], 0, atol=1e-6)


def test_without_dual_terms_there_is_no_iteration_to_differentiate():
    block = gvd.Block(gvd.LATENT, {"data": gvd.Linearised(test=False)})
    with pytest.raises(gvd.InputError, match=r"give one term of the block the role Dual\(\)") as caught:
        jax.eval_shape(partial(loss, gvd.solve_implicit, LONG, block=block), problem())
    assert "\n" not in str(caught.value)
