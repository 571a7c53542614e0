"""What is steeper than any blur of its motion leaves it was drawn after the exposure."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from gvd_jax.method.steepness import beside_too_steep

HEIGHT, WIDTH = 40, 60
SPEED = 8.0  # pixels per frame, to the right


def seen_beside(frame, tau):
    frames = jnp.asarray(np.broadcast_to(frame[None, ..., None], (2, HEIGHT, WIDTH, 1)), jnp.float32)
    flow = np.zeros((2, 2, HEIGHT, WIDTH, 2), np.float32)
    flow[:, 0, ..., 0], flow[:, 1, ..., 0] = SPEED, -SPEED
    return np.asarray(beside_too_steep(frames, jnp.asarray(flow), jnp.full(2, tau, jnp.float32)))


def step(contrast, blur):
    """An edge across the motion, blurred over so many pixels."""
    edge = np.where(np.arange(WIDTH) < WIDTH // 2, 0.0, contrast)
    return np.broadcast_to(ndimage.uniform_filter1d(edge, max(1, round(blur)), mode="nearest"), (HEIGHT, WIDTH))


@pytest.mark.parametrize(
    "contrast, blur, tau, steep",
    [(1.0, 0, 0.4, True), (1.0, 6, 0.4, False), (0.2, 0, 0.4, False), (1.0, 0, 0.1, False), (1.0, 0, 0.0, False)],
    ids=["sharp", "as blurred as it must be", "faint", "short exposure", "none"],
)
def test_an_edge_across_the_motion(contrast, blur, tau, steep):
    found = seen_beside(step(contrast, blur), tau)
    assert found[:, :, WIDTH // 2].all() == steep and not found[:, :, : WIDTH // 2 - 10].any()


@pytest.mark.parametrize(
    "light, width, blur, tau, steep",
    [(2.0, 6, 6.4, 0.4, False), (1.0, 2, 0.1, 0.4, True), (1.0, 12, 0.1, 0.5, True)],
    ids=["a lamp twice as bright as white", "a stroke of a letter", "a white box"],
)
def test_a_streak_of_light_is_no_letter(light, width, blur, tau, steep):
    """Only the lamp has the blur of its motion: it ends as steeply as nothing white would."""
    fine = 10  # samples per pixel
    x = np.arange(WIDTH * fine) / fine
    scene = np.where(abs(x - WIDTH / 2) < width / 2, light, 0.02)
    seen = ndimage.uniform_filter1d(ndimage.uniform_filter1d(scene, round(blur * fine)), fine)[fine // 2 :: fine]
    profile = np.minimum(seen, 1) ** (1 / 2.2)
    assert seen_beside(np.broadcast_to(profile, (HEIGHT, WIDTH)), tau).any() == steep


def test_an_edge_along_the_motion_may_be_sharp():
    assert not seen_beside(np.where(np.arange(HEIGHT) < 20, 0.0, 1.0)[:, None] * np.ones((1, WIDTH)), 0.5).any()
