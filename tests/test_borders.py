"""Black that a stabiliser leaves, and seams between pictures side by side, are found; scenes have none."""

import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method.borders import BESIDE, MIXED, find_seams, find_unfilled
from gvd_jax.method.still_layer import find_scene
from tests.clips import panned

SCENE = panned("chelsea", 6)
_, HEIGHT, WIDTH, _ = SCENE.shape


def shifted(frame, down, right):
    """What a stabiliser makes of a frame."""
    moved = np.roll(frame, (down, right), (0, 1))
    rows, columns = (slice(0, n) if n >= 0 else slice(n, None) for n in (down, right))
    moved[rows], moved[:, columns] = 0, 0
    return moved


@pytest.mark.parametrize("down, right", [(0, 0), (3, 0), (-4, 0), (0, 5), (0, -2), (2, -6)])
def test_black_at_the_border_of_a_frame_is_found(down, right):
    found = find_unfilled(np.stack([shifted(SCENE[0], down, right), SCENE[1]]))
    assert not found[1].any()
    rows, columns = (abs(n) + MIXED if n else 0 for n in (down, right))
    assert found[0].sum() == HEIGHT * WIDTH - (HEIGHT - rows) * (WIDTH - columns)


@pytest.mark.parametrize(
    "frame",
    [np.zeros((HEIGHT, WIDTH, 3)), SCENE[0] * np.clip(np.arange(HEIGHT)[:, None, None] / HEIGHT - 0.2, 0, 1)],
    ids=["a black frame", "a dark sky"],
)
def test_what_gets_dark_slowly_is_no_border(frame):
    assert not find_unfilled(frame[None].astype(np.float32)).any()


def side_by_side():
    return np.concatenate([SCENE[:, :, : WIDTH // 2], 1 - panned("astronaut", 6)[:, :, WIDTH // 2 :]], 2)


@pytest.mark.parametrize("turn", [False, True], ids=["columns", "rows"])
def test_a_seam_between_two_pictures_is_found(turn):
    frames = side_by_side().swapaxes(1, 2) if turn else side_by_side()
    found = find_seams(frames).T if turn else find_seams(frames)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[:, WIDTH // 2 - BESIDE : WIDTH // 2 + BESIDE] = True
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["chelsea", "astronaut", "motorcycle"])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_scene_has_neither(name, count):
    frames = panned(name, count)
    assert not find_unfilled(frames).any() and not find_seams(frames).any()


def test_both_are_layers_of_a_clip():
    frames = side_by_side()
    frames[2] = shifted(frames[2], 4, 0)
    layer = np.asarray(find_scene(jnp.asarray(frames)).layer) > 0
    assert layer[:, :, WIDTH // 2].all() and layer[2, :4].all() and not layer[:2, :4, : WIDTH // 4].any()
