"""TV-L1 is exact on smooth motion; only the texture bears a change of illumination, and costs where there is none."""

import numpy as np
import pytest

from experiments.baselines.tv_l1 import clip_flow, texture, wedel, zach
from gvd_jax.video.layers import Layer, photograph, random_path
from gvd_jax.video.synthesize import render

SCENES = [("motorcycle", 0), ("coffee", 1)]


def sharp_pair(name, seed):
    """Two gray frames 80x112 under a shake of 3 px, the flow between them and where it can be seen."""
    layer = Layer(photograph(name), 2.0, random_path(np.random.default_rng(seed), 2, 3.0))
    clip = render([layer], 2, 80, 112, 0.0)
    return clip.sharp.mean(-1), clip.flow[0, 0], clip.visible[0, 0]


def relit(frame):
    """The frame under a lamp that has moved: a smooth gain of 0.7 to 1.3, darker by a fifth, and a smooth offset."""
    height, width = frame.shape
    y, x = np.mgrid[:height, :width]
    gain = 0.8 * (1 + 0.3 * np.sin(2 * np.pi * x / width))
    return np.clip(gain * frame + 0.1 * y / height, 0, 1).astype(np.float32)


def error(flow, truth, seen):
    return np.linalg.norm(flow - truth, axis=-1)[seen].mean()


@pytest.mark.parametrize("scene", SCENES)
def test_smooth_motion(scene):
    (first, second), truth, seen = sharp_pair(*scene)
    assert error(zach(first, second), truth, seen) < 0.15 < 2.0 < error(0, truth, seen)
    assert error(wedel(first, second), truth, seen) < 0.3


@pytest.mark.parametrize("scene", SCENES)
def test_change_of_illumination(scene):
    (first, second), truth, seen = sharp_pair(*scene)
    of_frames, of_textures = (error(method(first, relit(second)), truth, seen) for method in (zach, wedel))
    assert of_textures < 0.7
    assert of_frames > 3 * of_textures


def test_structure_is_missed_in_constant_light():
    (first, second), truth, seen = sharp_pair(*SCENES[0])
    of_frames, of_textures = (error(method(first, second), truth, seen) for method in (zach, wedel))
    assert of_frames < of_textures


def test_texture_does_not_see_gain_and_offset():
    frames, _, _ = sharp_pair(*SCENES[0])
    np.testing.assert_allclose(texture(0.5 * frames + 0.2), texture(frames), atol=1e-5)
    np.testing.assert_array_equal(texture(np.full((2, 8, 8), 0.3, np.float32)), 0)


def test_clip_goes_on_beyond_its_ends():
    frames = np.arange(3.0)[:, None, None] ** 2 + np.zeros((3, 4, 5))
    flow = clip_flow(frames, lambda first, second: np.stack([second - first, first], -1))
    assert flow.shape == (3, 2, 4, 5, 2)
    np.testing.assert_array_equal(flow[:, 0, 0, 0], [[1, 0], [3, 1], [3, -4]])
    np.testing.assert_array_equal(flow[:, 1, 0, 0], [[-1, 0], [-1, 1], [-3, 4]])
