"""Learned settings: what is read, where it enters, and that the learned prior restores more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax import metrics
from gvd_jax.method import learned
from gvd_jax.method.deblur import make_problem
from gvd_jax.ops.transfer import luma
from gvd_jax.video.layers import Layer, photograph, random_path
from gvd_jax.video.synthesize import render
from tests.settings import small


def test_what_ships_is_small_and_reads_as_it_is_written():
    text = learned.FILE.read_text()
    assert len(text) < 100_000
    assert learned.learned_json(*learned.read_learned()) == text


OWN = {"final_data", "final_latent_tv", "final_temporal", "final_temporal_far"}


def last_of(config):
    (last,) = (stage for stage in config.stages if isinstance(stage, gvd.SolveChannels))
    return last


@pytest.mark.parametrize("channels, names", [(1, {"experts"}), (3, {"experts", "experts_colour"})])
def test_the_finish_has_its_own_terms(channels, names):
    """Those that it solves with, and that the energy tells after it where they need no gray of their own."""
    config = gvd.Config.learned()
    frames = jnp.full((2, 8, 9, channels), 0.5)
    unknowns = gvd.Unknowns(latent=frames[..., :1], flow=jnp.zeros((2, 2, 8, 9, 2)))
    state = gvd.State(unknowns, shape=(8, 9))
    _, info = jax.eval_shape(last_of(config).run, state, make_problem(frames, 0.5, config))
    assert set(info.solve.after) == OWN | names
    assert set(info.energy) == set(config.energy) - {"experts_colour"}
    assert all(isinstance(last_of(config).block.roles[name], gvd.Quadratic) for name in names)


def test_the_rest_is_the_same():
    config, default = gvd.Config.learned(), gvd.Config.default()
    own = OWN | {"experts", "experts_colour"}
    assert set(config.energy) == set(default.energy) | own and not own & set(default.energy)
    weights = learned.read_learned()[0].weights
    assert config.blur == default.blur and {name: config.energy[name].weight for name in weights} == weights
    others = [stage for stage in config.stages if stage is not last_of(config)]
    before = [stage for stage in default.without_stage("soften").stages if stage is not last_of(default)]
    assert jax.tree.structure(others) == jax.tree.structure(before)


def test_a_term_of_your_own_enters_the_finish_too():
    term = gvd.Term(1.0, lambda unknowns, observation: unknowns.latent, gvd.SquaredL2())
    config = gvd.Config.learned().with_term("mine", term, latent=gvd.Quadratic())
    blocks = [block for block in config.blocks if block.unknown.name == "latent"]
    assert len(blocks) > 2 and all(block.roles["mine"] == gvd.Quadratic() for block in blocks)
    assert last_of(config).block in blocks and config.energy["mine"] is term
    without = config.without_term("mine")
    assert "mine" not in without.energy and all("mine" not in block.roles for block in without.blocks)


@pytest.mark.parametrize("name, noise, gain", [("motorcycle", 0.0, 0.3), ("chelsea", 0.01, 0.3)])
def test_the_learned_prior_restores_more_than_total_variation(hurry, name, noise, gain):
    """In the true flow, of photographs that nothing was learned from."""
    path = random_path(np.random.default_rng(5), 3, 4.0)
    clip = render([Layer(photograph(name), 1.5, path)], 3, 72, 96, 0.45, noise=noise, seed=5)
    blurry, sharp = (luma(jnp.asarray(frames)) for frames in (clip.blurry, clip.sharp))

    def decibels(config):
        config = small(config, "colour", samples=5)
        latent = gvd.deblur_pure(blurry, clip.duty_cycle, config, jnp.asarray(clip.flow)).latent
        return float(np.mean(metrics.psnr(latent, sharp)))

    rounds = gvd.Config.default().with_rounds(learned.read_learned()[0])
    assert decibels(gvd.Config.learned()) > decibels(rounds) + gain
