"""What stands still before a scene that moves is found, taken off, and comes back as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from gvd_jax.method.data_weight import codec_worth
from gvd_jax.method.still_layer import find_scene, find_still_layer, take_off
from gvd_jax.ops.warp import one_shot
from tests.clips import panned

SCENE = panned("chelsea", 6)
_, HEIGHT, WIDTH, _ = SCENE.shape
CONTINUES = np.asarray(one_shot(6))
LETTER = np.zeros((HEIGHT, WIDTH), bool)
LETTER[30:42, 20:23] = LETTER[30:33, 20:30] = LETTER[36:39, 20:28] = True  # an F


def with_layer(cover, ink=1.0):
    """The scene behind a layer of that opacity."""
    cover = np.broadcast_to(np.asarray(cover, np.float32), (HEIGHT, WIDTH))[..., None]
    return (cover * ink + (1 - cover) * SCENE).astype(np.float32)


def bars(rows):
    cover = np.zeros((HEIGHT, WIDTH))
    cover[:rows] = cover[-rows:] = 1
    return cover


def pillars(columns):
    cover = np.zeros((HEIGHT, WIDTH))
    cover[:, :columns] = cover[:, -columns:] = 1
    return cover


def through_a_hole():
    """A still scene, in whose middle another one moves."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    hole = np.hypot((y - HEIGHT / 2) / HEIGHT, (x - WIDTH / 2) / WIDTH) < 0.35
    return np.where(hole[..., None], SCENE, panned("astronaut", 1)[0])


@pytest.mark.parametrize(
    "frames, layer",
    [
        (SCENE, np.zeros((HEIGHT, WIDTH), bool)),
        (with_layer(LETTER), LETTER),
        (with_layer(bars(6), ink=0.0), bars(6) > 0),
        (with_layer(pillars(WIDTH // 3), ink=0.0), pillars(WIDTH // 3) > 0),
        (through_a_hole(), np.zeros((HEIGHT, WIDTH), bool)),
        (np.repeat(SCENE[:1], 6, 0), np.zeros((HEIGHT, WIDTH), bool)),
    ],
    ids=["nothing", "letter", "bars", "wide pillars", "a hole", "all is still"],
)
def test_the_layer_is_found(frames, layer):
    found = find_still_layer(frames, CONTINUES)
    assert (found & layer).sum() >= 0.98 * 6 * layer.sum()
    near = ndimage.binary_dilation(layer, np.ones((3, 3)), 2)
    assert not (found & ~near).any()


def test_of_a_plain_sky_nobody_sees_whether_it_moves():
    sky = np.array(SCENE)
    sky[:, :, : WIDTH * 2 // 3] = 0.4
    frames = np.where(LETTER[..., None] > 0, 1.0, sky)
    assert find_still_layer(frames, CONTINUES)[:, LETTER > 0].all()


@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("name", ["motorcycle", "astronaut"])
def test_few_frames_of_a_scene_show_no_layer(name, count):
    assert not find_still_layer(panned(name, count), np.asarray(one_shot(count))).any()


def test_outlines_of_what_is_half_transparent_are_found():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    disc = np.hypot(y - 24, x - 40) < 9
    scene, cover = panned("chelsea", 12), 0.6 * disc[..., None]
    found = find_still_layer(cover + (1 - cover) * scene, np.asarray(one_shot(12)))
    outline = disc & ~ndimage.binary_erosion(disc)
    assert found[:, outline].mean() > 0.8
    assert found[:, ndimage.binary_erosion(disc, iterations=4)].mean() < 0.2


def test_letters_that_are_shown_for_three_frames_are_found_in_them():
    shown = np.arange(6)[:, None, None] < 3
    found = find_still_layer(np.where((LETTER & shown)[..., None], np.float32(1), SCENE), CONTINUES)
    assert found[:3, LETTER].mean() > 0.98 and not found[3:].any()
    assert not (found & ~ndimage.binary_dilation(LETTER, np.ones((3, 3)), 2)).any()


def test_a_layer_that_appears_is_found_where_it_is():
    frames = np.concatenate([SCENE[:1], with_layer(LETTER)[1:]])
    found = find_still_layer(frames, CONTINUES)
    assert not found[0].any() and found[1:, LETTER].mean() > 0.98


def test_what_is_behind_it_is_made_up_from_around_it():
    layer = np.broadcast_to(LETTER, (6, HEIGHT, WIDTH))
    filled = take_off(with_layer(LETTER), layer)
    np.testing.assert_array_equal(filled[~layer], SCENE[~layer])
    before, after = (np.abs(x - SCENE)[layer].mean() for x in (with_layer(LETTER), filled))
    assert after < 0.25 * before


@pytest.mark.parametrize("bits", [32, 64])
def test_neither_the_layer_nor_what_is_beside_it_is_trusted(bits):
    with jax.enable_x64(bits == 64):
        trust = np.asarray(find_scene(jnp.asarray(with_layer(LETTER))).trust)
    assert trust.dtype == np.float32
    beside = ndimage.binary_dilation(LETTER, np.ones((3, 3)))
    assert (trust[:, beside] == 0).all() and trust[:, :20].all()


@pytest.mark.parametrize("error, worth", [(0.0, 1.0), (0.005, 0.5), (0.015, 0.1)])
def test_the_error_of_a_codec_takes_weight_from_its_frames(error, worth):
    np.testing.assert_allclose(codec_worth(np.float32([error])), [worth], rtol=1e-5)
    trust = np.asarray(find_scene(jnp.asarray(SCENE), codec_error=jnp.full(6, error)).trust)
    np.testing.assert_allclose(trust, worth, rtol=1e-5)


def test_a_codec_that_does_not_say_its_error_is_known_to():
    scene = find_scene(jnp.asarray(SCENE), codec_error=jnp.array([0.0, 0.005, jnp.nan, jnp.nan, 0.0, 0.0]))
    np.testing.assert_allclose(scene.trust[:, 0, 0], [1, 0.5, 1, 1, 1, 1])
    np.testing.assert_array_equal(scene.unsaid, [0, 0, 1, 1, 0, 0])


@pytest.mark.parametrize("sharper, stands", [(1.0, False), (1.05, False), (1.2, True), (3.0, True)])
def test_a_picture_at_rest_is_sharper_than_its_shot(rng, sharper, stands):
    texture = rng.uniform(-1, 1, (6, 48, 64, 1))
    steepness = np.array([1.0, 1.0, sharper, 3.0, 3.0, 3.0 * sharper])  # of two shots
    frames = jnp.asarray(0.5 + 0.05 * steepness[:, None, None, None] * texture, jnp.float32)
    rests = np.array([True, False, True, False, False, True])
    scene = find_scene(frames, jnp.array([1.0, 1, 0, 1, 1, 0]), rests=rests)
    np.testing.assert_array_equal(scene.rests, [False, False, stands, False, False, stands])
