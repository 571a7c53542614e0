"""The blend towards the blurry frames, against the loop over its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method.agreement import (
    ALONE,
    BEYOND,
    CHANGED,
    DOUBTED,
    FEW,
    MANY,
    SEEN,
    UNASKED,
    Missed,
    beyond_codec,
    blend_by_agreement,
)
from gvd_jax.method.data_weight import MODEL_ERROR, REGION, squared_residual
from gvd_jax.method.noise import noise_level
from gvd_jax.ops.warp import one_shot
from tests.references.blur import bilinear
from tests.references.energy import inside

TOLERANCE, MISSED = 0.2, Missed(0.5, 0.75, 0.25)
SHAPE = (3, 9, 11)
SHOWN = np.ones(SHAPE, bool)
SHOWN[1, 3:5, 2:9] = False  # a layer that stands before the scene
SHARP = np.zeros(SHAPE, bool)
SHARP[2, 6, 5] = True
pytestmark = pytest.mark.usefixtures("x64")


@jax.jit
def blend(blurry, latent, reblurred, flow, tolerance):
    continues, shown = one_shot(len(flow), flow.dtype), jnp.asarray(SHOWN)
    left = squared_residual(blurry, reblurred, shown.astype(flow.dtype))
    return blend_by_agreement(blurry, latent, left, flow, continues, shown, jnp.asarray(SHARP), tolerance, MISSED)


def disagreement_of(latent, change, flow, others):
    frames, height, width = SHAPE
    disagreement = np.zeros(SHAPE)
    for i, y, x in np.ndindex(SHAPE):
        asked = []
        for k, n in enumerate((1, -1)):
            there = y + flow[i, k, y, x, 1], x + flow[i, k, y, x, 0]
            if 0 <= i + n < frames and inside(*there, height, width):
                asked.append(((latent[i, y, x] - bilinear(latent[i + n], *there)) ** 2).mean())
            else:
                asked.append(others * change[i, y, x])
        disagreement[i, y, x] = min(asked)
    return disagreement


def mean_around(field, i, y, x, radius):
    """Windows repeat the border, as everywhere."""
    rows, columns = np.arange(y - radius, y + radius + 1), np.arange(x - radius, x + radius + 1)
    return field[i][np.ix_(np.clip(rows, 0, SHAPE[1] - 1), np.clip(columns, 0, SHAPE[2] - 1))].mean()


def seen_share(blurry, latent, flow):
    """What the neighbour that shows more of the change shows of it, in a region of the pixels that it is asked of."""
    shown, whole = np.zeros((2, *SHAPE)), np.zeros((2, *SHAPE))
    for k, i, y, x in np.ndindex(shown.shape):
        n = (1, -1)[k]
        there = y + flow[i, k, y, x, 1], x + flow[i, k, y, x, 0]
        if 0 <= i + n < SHAPE[0] and inside(*there, *SHAPE[1:]):
            change = latent[i, y, x] - blurry[i, y, x]
            shown[k, i, y, x] = ((bilinear(latent[i + n], *there) - blurry[i, y, x]) * change).mean()
            whole[k, i, y, x] = (change**2).mean()
    share = np.ones(SHAPE)
    for i, y, x in np.ndindex(SHAPE):
        sums = [tuple(mean_around(field[k], i, y, x, REGION // 2) for field in (shown, whole)) for k in (0, 1)]
        asked = [part / most for part, most in sums if most > 0]
        share[i, y, x] = max(asked) if asked else 1
    return np.clip(share / SEEN, 0, 1)


def loop(blurry, latent, reblurred, flow, noise):
    """`noise` is the mean square of that of the channels."""
    _, height, width = SHAPE
    seen = seen_share(blurry, latent, flow)
    change = ((latent - blurry) ** 2).mean(-1)
    disagreement = disagreement_of(latent, change, flow, UNASKED)
    limited, result = np.array(latent), np.zeros_like(latent)
    for i, y, x in np.ndindex(SHAPE):
        window = np.ix_(np.clip(np.arange(y - 2, y + 3), 0, height - 1), np.clip(np.arange(x - 2, x + 3), 0, width - 1))
        if disagreement[i][window].mean() > ALONE * change[i][window].mean():
            nearby = blurry[i][window].reshape(25, -1)
            beyond = BEYOND * (nearby.max(0) - nearby.min(0))
            limited[i, y, x] = np.clip(latent[i, y, x], nearby.min(0) - beyond, nearby.max(0) + beyond)
    latent = limited
    change = ((latent - blurry) ** 2).mean(-1)
    disagreement = disagreement_of(latent, change, flow, 1.0)
    missed = np.where((blurry < 0.99) & SHOWN[..., None], (reblurred - blurry) ** 2, 0).mean(-1)
    own_change = np.where(SHOWN, change, 0)
    doubted, changed = np.zeros(SHAPE), np.zeros(SHAPE)
    for here in np.ndindex(SHAPE):
        left, all_of_it = (mean_around(field, *here, REGION // 2) for field in (missed, own_change))
        changed[here] = all_of_it > CHANGED**2
        doubted[here] = changed[here] and (left - noise) / all_of_it > DOUBTED
    doubts = np.clip((doubted.sum((1, 2)) / np.maximum(changed.sum((1, 2)), 1) - FEW) / (MANY - FEW), 0, 1)
    for i, y, x in np.ndindex(SHAPE):
        here = i, y, x
        doubt = (mean_around(disagreement, *here, 2) - noise) / mean_around(change, *here, 2) - TOLERANCE
        windows = (2, MISSED.window), (REGION // 2, MISSED.region + doubts[i] * (MISSED.region_of_many - MISSED.region))
        left = [(mean_around(missed, *here, r) - noise) / mean_around(own_change, *here, r) / m for r, m in windows]
        share = 0 if SHARP[here] else seen[here] * np.clip(min(1 - max(doubt, 0) / 2, 2 - 2 * max(left)), 0, 1)
        result[i, y, x] = blurry[i, y, x] + share * (latent[i, y, x] - blurry[i, y, x])
    return result


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("error", [0.0, 0.1, 0.4])
def test_blend_equals_the_loop(rng, channels, error):
    blurry = np.broadcast_to(0.5, (*SHAPE, channels)) + 0.01 * rng.standard_normal((*SHAPE, channels))
    scene = 0.3 * rng.standard_normal((1, *SHAPE[1:], channels))
    latent = blurry + scene + error * rng.standard_normal((*SHAPE, channels))
    blurry[0, :4] = 1.0  # clipped
    reblurred = blurry + (0.06 + 0.3 * error) * rng.standard_normal((1, *SHAPE[1:], channels))
    flow = 1.5 * rng.standard_normal((SHAPE[0], 2, *SHAPE[1:], 2))
    levels = [noise_level(jnp.asarray(blurry[..., k]), one_shot(SHAPE[0]))[0] for k in range(channels)]
    noise = np.square(levels).mean()
    clip = blurry, latent, reblurred, flow
    np.testing.assert_allclose(blend(*map(jnp.asarray, clip), TOLERANCE), loop(*clip, noise), rtol=1e-9, atol=1e-12)


def test_frames_that_agree_stay_and_frames_without_agreement_go_back(rng):
    still = jnp.zeros((SHAPE[0], 2, *SHAPE[1:], 2))
    blurry = jnp.full((*SHAPE, 1), 0.5)
    agreeing = jnp.broadcast_to(jnp.asarray(rng.uniform(size=(1, *SHAPE[1:], 1))), blurry.shape)
    expected = jnp.where(SHARP[..., None], blurry, agreeing)
    np.testing.assert_array_equal(blend(blurry, agreeing, blurry, still, TOLERANCE), expected)
    # Errors that change their sign differ by four times their square.
    flickering = blurry + jnp.asarray([0.1, -0.1, 0.1])[:, None, None, None]
    np.testing.assert_allclose(blend(blurry, flickering, blurry, still, TOLERANCE)[1], blurry[1], atol=1e-12)
    np.testing.assert_array_equal(blend(blurry, blurry, blurry, still, TOLERANCE), blurry)


@pytest.mark.parametrize("missed, share", [(0.0, 1.0), (0.12, 1.0), (0.1875, 0.5), (0.3, 0.0)])
def test_what_does_not_explain_the_blurry_frames_goes_back(missed, share):
    still, blurry = jnp.zeros((SHAPE[0], 2, *SHAPE[1:], 2)), jnp.full((*SHAPE, 1), 0.5)
    latent, reblurred = blurry + 0.1, blurry + 0.1 * missed**0.5
    expected = np.where(SHARP[..., None], 0, 0.1 * share)
    np.testing.assert_allclose(blend(blurry, latent, reblurred, still, TOLERANCE) - blurry, expected, atol=1e-9)


@pytest.mark.parametrize("worth, unsaid", [(1.0, 0.0), (0.5, 0.0), (0.2, 0.0), (1.0, 1.0)])
def test_what_a_codec_has_lost_is_not_asked_of_the_model(worth, unsaid):
    blurry = jnp.full((1, 40, 60, 3), 0.5).at[:, :5, :, 0].set(1.0)  # clipped in a channel
    trust = jnp.full((1, 40, 60), worth).at[:, :, :5].set(0.0)
    residual = squared_residual(blurry, blurry + 0.02, trust)
    left = beyond_codec(residual, trust, jnp.full(1, unsaid))
    lost = 2.0 * 0.02**2 if unsaid else 4.0 * MODEL_ERROR**2 * (1 / worth - 1)
    np.testing.assert_allclose(residual[:, 5:, 5:], 0.02**2, rtol=1e-6)
    np.testing.assert_allclose(residual[:, :5, 5:], 0.02**2 * 2 / 3, rtol=1e-6)
    np.testing.assert_allclose((residual - left)[:, :, 5:], lost, rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(left[:, :, :5], 0)
