"""Learned settings: what is read, where it enters, and that the learned prior restores more."""

import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax import metrics
from gvd_jax.method import learned
from gvd_jax.method.stages import solve_block
from gvd_jax.ops.transfer import luma
from gvd_jax.trees import replace
from gvd_jax.video.layers import Layer, photograph, random_path
from gvd_jax.video.synthesize import render


def test_what_ships_is_small_and_reads_as_it_is_written():
    text = learned.FILE.read_text()
    assert len(text) < 100_000
    assert learned.learned_json(*learned.read_learned()) == text


def test_the_finish_has_its_own_terms_and_the_rest_is_the_same():
    config, gray = gvd.Config.learned(), jnp.zeros((2, 4, 5, 1))
    for last, names in ((config.finishing(), {"experts"}), (config.finishing(gray), {"experts", "colour"})):
        extra = {"experts", "colour"} & set(last.energy(last.latent_block, 3))
        assert extra == names and names <= set(last.latent_block.quadratic)
        assert (last.weights.flow_tv, last.scales, last.path) == (config.weights.flow_tv, config.scales, config.path)
    assert not {"experts", "colour"} & set(config.latent_block.terms)
    assert gvd.Config.default().finishing() == gvd.Config.default()


def test_a_term_of_your_own_enters_the_finish_too():
    term = gvd.Term(1.0, lambda unknowns, observation: unknowns.latent, gvd.SquaredL2())
    config = gvd.Config.learned().with_term("mine", term, latent="quadratic")
    for own in (config, config.finishing()):
        assert "mine" in own.latent_block.quadratic and own.energy(own.latent_block, 3)["mine"] is term
    assert "mine" not in config.without_term("mine").finishing().latent_block.terms


@pytest.mark.parametrize("name, noise, gain", [("motorcycle", 0.0, 0.3), ("chelsea", 0.01, 0.3)])
def test_the_learned_prior_restores_more_than_total_variation(hurry, name, noise, gain):
    """In the true flow, of photographs that nothing was learned from."""
    path = random_path(np.random.default_rng(5), 3, 4.0)
    clip = render([Layer(photograph(name), 1.5, path)], 3, 72, 96, 0.45, noise=noise, seed=5)
    blurry, sharp = (luma(jnp.asarray(frames)) for frames in (clip.blurry, clip.sharp))
    start = gvd.Unknowns(blurry, jnp.asarray(clip.flow), jnp.zeros(blurry.shape[:3]))
    tau = jnp.full(3, clip.duty_cycle)

    def decibels(config):
        config = replace(config, scales=())
        latent = solve_block(config.latent_block, start, blurry, tau, config, 5)[0].latent
        return float(np.mean(metrics.psnr(jnp.clip(latent, 0, 1), sharp)))

    own = gvd.Config.learned()
    assert decibels(own.finishing()) > decibels(own) + gain
