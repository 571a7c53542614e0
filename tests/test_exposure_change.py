"""Gain and offset that change from frame to frame: found, evened out, given back."""

import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method.config import Config
from gvd_jax.method.deblur import find_start
from gvd_jax.method.exposure_change import (
    clips_when_even,
    even_exposure,
    frame_exposures,
    own_exposure,
    relative_exposures,
)
from gvd_jax.method.still_layer import Scene, find_scene, original_where_kept
from gvd_jax.ops.warp import one_shot
from gvd_jax.trees import replace
from gvd_jax.video.layers import photograph

pytestmark = pytest.mark.usefixtures("hurried_file")

GAIN = np.array([1.0, 0.85, 1.1, 0.95])
OFFSET = np.array([0.02, 0.0, 0.03, -0.01])


CUT = jnp.asarray([1.0, 0.0, 1.0, 0.0])  # between frames 1 and 2


@pytest.fixture(scope="module")
def still():
    """A photograph without motion under these exposures, frames [4, 96, 128, 1], and its flow."""
    scene = 0.1 + 0.7 * photograph("motorcycle").mean(-1)[:96, :128]
    frames = GAIN[:, None, None, None] * scene[None, ..., None] + OFFSET[:, None, None, None]
    return jnp.asarray(frames, jnp.float32), jnp.zeros((4, 2, 96, 128, 2))


def test_exposures_of_a_still_scene(still):
    relative = relative_exposures(*still, one_shot(4))[0]
    gain = GAIN[:-1] / GAIN[1:]
    np.testing.assert_allclose(relative, np.stack([gain, OFFSET[:-1] - gain * OFFSET[1:]], -1), atol=2e-4)
    exposure = np.asarray(frame_exposures(relative, one_shot(4)))
    darkest = GAIN.argmin()
    np.testing.assert_allclose(exposure[:, 0], GAIN / GAIN[darkest], rtol=5e-4)
    np.testing.assert_allclose(exposure[:, 1], OFFSET - GAIN / GAIN[darkest] * OFFSET[darkest], atol=5e-4)
    assert exposure[darkest].tolist() == [1, 0]


def test_the_exposures_of_another_clip_compile_nothing_anew(compiled):
    relative = jnp.asarray([[0.9, 0.01], [1.1, 0.0]])
    frame_exposures(relative, one_shot(3))
    del compiled[:]
    frame_exposures(1.1 * relative, one_shot(3))
    assert len(compiled) <= 1  # the product


def test_even_frames_are_equal_and_their_own_exposure_comes_back(still):
    frames, flow = still
    exposure = frame_exposures(relative_exposures(frames, flow, one_shot(4))[0], one_shot(4))
    even = even_exposure(frames, exposure)
    unclipped = np.asarray(frames.max(0) < 0.99)
    darkest = np.asarray(frames[GAIN.argmin()])
    for frame in even:
        np.testing.assert_allclose(np.asarray(frame)[unclipped], darkest[unclipped], atol=1e-3)
    back = jnp.where(clips_when_even(frames, exposure), frames, own_exposure(even, exposure))
    np.testing.assert_allclose(back, jnp.clip(frames, 0, 1), atol=1e-5)


def test_frames_that_nothing_has_changed_come_back_whole(still):
    """Even where the sensor or the darkest exposure has clipped them."""
    frames = jnp.clip(still[0] + 0.5, 0, 0.995)
    assert (frames >= 0.99).mean() > 0.01
    exposure = jnp.asarray(np.stack([GAIN / GAIN.min(), OFFSET], -1), jnp.float32)
    scene = Scene(frames, frames, one_shot(4), jnp.zeros((4, 96, 128)), jnp.ones(4), jnp.zeros(4), jnp.zeros(4, bool))
    restored = own_exposure(even_exposure(frames, exposure), exposure)
    assert jnp.abs(restored - frames).max() > 4e-3  # 0.99 in another exposure
    kept = original_where_kept(restored, exposure, one_shot(4), scene)
    np.testing.assert_allclose(kept, frames, atol=1e-5)


def test_pictures_that_rest_come_back_as_they_were(still):
    frames, even = still[0], jnp.broadcast_to(jnp.array([1.0, 0.0]), (4, 2))
    rests = jnp.array([True, False, False, False])
    scene = Scene(frames, frames, one_shot(4), jnp.zeros((4, 96, 128)), jnp.ones(4), jnp.zeros(4), rests)
    restored = jnp.clip(frames + 0.1, 0, 0.9)
    kept = original_where_kept(restored, even, one_shot(4), scene)
    np.testing.assert_array_equal(kept, jnp.where(rests[:, None, None, None], frames, restored))


def test_a_cut_is_no_change_of_exposure(still):
    frames, flow = still
    cut = jnp.concatenate([frames[:2], 0.5 * frames[2:, ::-1, ::-1]])
    said = np.asarray(relative_exposures(0.5 ** (jnp.arange(4) > 1)[:, None, None, None] * frames, flow, CUT)[0])
    assert said[1].tolist() == [1, 0]
    relative = np.asarray(relative_exposures(cut, flow, one_shot(4))[0])
    assert relative[1].tolist() == [1, 0]
    np.testing.assert_allclose(relative[0, 0], GAIN[0] / GAIN[1], rtol=1e-3)
    dissolve = jnp.concatenate([frames[:1], (frames[:1] + frames[:1, ::-1, ::-1]) / 2, frames[2:]])
    assert relative_exposures(dissolve, flow, one_shot(4))[1].tolist() == [0, 0, 1, 0]
    flat = jnp.broadcast_to(jnp.asarray([0.2, 0.4, 0.3, 0.5])[:, None, None, None], frames.shape)
    assert np.asarray(relative_exposures(flat, flow, one_shot(4))[0]).tolist() == [[1, 0]] * 3


def test_every_shot_has_an_exposure_of_its_own():
    """A fade behind a cut does not touch what is before it, nor is its darkest frame what the others are evened to."""
    relative = jnp.asarray([[0.9, 0.0], [1.0, 0.0], [0.5, 0.0], [0.8, 0.0]])
    found = np.asarray(frame_exposures(relative, jnp.asarray([1.0, 0.0, 1.0, 1.0, 0.0])))
    np.testing.assert_allclose(found[:, 0], [1, 1 / 0.9, 0.5, 1, 1.25], rtol=1e-6)


def test_clipped_pixels_stay_clipped():
    frames = jnp.asarray([0.5, 1.0]).reshape(1, 1, 2, 1)
    even = even_exposure(frames, jnp.asarray([[2.0, 0.1]]))
    np.testing.assert_allclose(even.ravel(), [0.2, 1.0], rtol=1e-6)


@pytest.mark.parametrize("threshold, evened", [(0.01, True), (jnp.inf, False)])
def test_only_changes_beyond_the_threshold_are_evened_out(still, threshold, evened):
    config = Config.fast()
    config = replace(config, camera=replace(config.camera, exposure_change=threshold))
    start = find_start(find_scene(still[0]), jnp.full(4, 0.3), config)
    assert (np.ptp(np.asarray(start.exposure[:, 0])) > 0.1) == evened
    assert (np.asarray(start.problem.frames).std(0).max() < 2e-3) == evened
    same = find_start(find_scene(jnp.broadcast_to(still[0][:1], still[0].shape)), jnp.full(4, 0.3), config)
    assert np.asarray(same.exposure).tolist() == [[1.0, 0.0]] * 4
