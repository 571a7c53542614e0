"""What learning is made of: coordinates, filters, windows, clips."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from experiments import learn_weights as learn
from gvd_jax.method.learned import read_learned

ROUNDS, FINISH = read_learned()


@pytest.mark.parametrize(
    "numbers",
    [ROUNDS, FINISH, gvd.replace(FINISH, filters=None, colour_filters=None)],
    ids=["rounds", "finish", "plain"],
)
def test_free_coordinates_stand_for_the_numbers(numbers):
    free, back = learn.to_free(numbers), learn.from_free(learn.to_free(numbers))
    assert jax.tree.structure(free) == jax.tree.structure(numbers)
    # The span of the cosines has no mean, and a learned filter none but its rounding.
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-4), back, numbers)


def test_cosines_are_orthonormal_and_have_no_mean():
    filters = learn.cosines().reshape(-1, learn.FILTER**2)
    np.testing.assert_allclose(filters @ filters.T, np.eye(learn.FILTER**2 - 1), atol=1e-6)
    np.testing.assert_allclose(filters.sum(1), 0, atol=1e-6)


@pytest.mark.parametrize("view, channels", [(learn.gray, 3), (learn.channel, 3), (learn.channel, 1)])
def test_a_window_is_the_same_in_frames_and_flow(view, channels):
    size = learn.HEIGHT, learn.WIDTH
    place = jnp.broadcast_to(jnp.arange(size[0] * size[1]).reshape(*size, 1), (5, *size, channels)).astype(jnp.float32)
    flow = jnp.broadcast_to(place[:, None, ..., :1], (5, 2, *size, 2))
    window = view(learn.Example(place, place, flow, jnp.ones(5)), np.random.default_rng(3))
    assert window.blurry.shape == (5, *learn.CROP, 1)
    np.testing.assert_array_equal(window.sharp, window.blurry)
    np.testing.assert_allclose(window.flow[:, 0, ..., :1], window.blurry, rtol=1e-5)
    if view is learn.channel:
        np.testing.assert_allclose(window.gray, window.blurry, rtol=1e-5)


def test_clips_are_those_of_their_seed_and_noise():
    assert not set(learn.UNSEEN) & set(learn.LEARN_FROM) and not set(learn.SEEDS) & set(learn.UNSEEN_SEEDS)
    clip = learn.make_clip(1001, learn.LEARN_FROM, 48, 64)
    np.testing.assert_array_equal(clip.blurry, learn.make_clip(1001, learn.LEARN_FROM, 48, 64).blurry)
    assert {learn.noise_of(seed) for seed in learn.UNSEEN_SEEDS} == set(learn.NOISE)


def test_the_numbers_of_a_preset_are_its_own():
    config = gvd.Config.default()
    same = config.with_rounds(learn.rounds_of(config))
    assert jax.tree.structure(same) == jax.tree.structure(config)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-12), same, config)


def test_terms_of_one_weight_keep_one():
    free = learn.to_free(FINISH)
    apart = gvd.replace(free, weights=free.weights | {"final_temporal_far": jnp.zeros(())})
    weights = learn.from_free(apart).weights
    assert weights["final_temporal_far"] == weights["final_temporal"]
    rounds = learn.from_free(learn.to_free(ROUNDS)).weights
    assert rounds["temporal_far"] == rounds["temporal"] and rounds.keys() == ROUNDS.weights.keys()


@pytest.mark.parametrize("restore", [learn.with_own_flow, learn.in_given_flow])
def test_learned_numbers_restore_an_example(restore):
    """Traced only, for it takes long to compile."""
    seen = learn.Example(*(jnp.zeros((5, 24, 32, 1)),) * 2, jnp.zeros((5, 2, 24, 32, 2)), jnp.full(5, 0.4))
    seen = gvd.replace(seen, gray=seen.blurry)
    numbers = learn.to_free(ROUNDS if restore is learn.with_own_flow else FINISH)
    latent = jax.eval_shape(lambda free: restore(gvd.Config.default(), learn.from_free(free), seen), numbers)
    assert latent.shape == seen.sharp.shape
