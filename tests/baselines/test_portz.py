"""Frames blurred with each other's kernels match where the kernels are shift invariant, not at motion boundaries."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import maximum_filter

from experiments.baselines.portz import blur_alike, portz
from experiments.baselines.tv_l1 import clip_flow, zach
from gvd_jax.metrics import end_point_error
from gvd_jax.ops.warp import warp
from gvd_jax.video.layers import Layer, Path, ellipse, photograph
from gvd_jax.video.synthesize import render

TAU = 0.45
SHAPE = 80, 112
SLANT = np.exp(0.3j)


def braking_clip(name):
    """Three frames of a photograph that slows down from 11 to 4 px per frame interval, and is blurred accordingly."""
    speed, frequency = 6.0 * SLANT, 1 / 8
    swing = speed / (2 * np.pi * frequency)
    waves = np.array([frequency, -frequency]), swing * np.array([-0.5j, 0.5j])
    return render([Layer(photograph(name), 2.0, Path(-16 * SLANT, speed, *waves))], 3, *SHAPE, TAU)


def steady_clip():
    """Two frames of two photographs, each in constant motion, one before the other."""
    front = photograph("coffee")
    height, width, _ = front.shape
    matte = ellipse(front.shape, width / 2 + 1j * height / 2, width / 4 + 1j * height / 3)
    paths = Path(-1 - 2j, 2 + 4j), Path(2.0, -4.0)
    return render([Layer(photograph("motorcycle"), 2.0, paths[0]), Layer(front, 4.0, paths[1], matte)], 2, *SHAPE, TAU)


def at_boundary(clip):
    """Pixels within 5 px of a motion boundary, bool [T, 1, H, W]."""
    jump = np.abs(np.gradient(clip.flow[:, 0], axis=(1, 2))).max((0, -1)) > 0.5
    return maximum_filter(jump, (1, 11, 11))[:, None]


def errors(clip, where=True):
    """Mean end point error of TV-L1 and of the method between frames of the clip that both see the point, px."""
    gray = clip.blurry.mean(-1)
    seen = clip.visible & where
    seen[0, 1] = seen[-1, 0] = False
    flows = clip_flow(gray, zach), portz(gray, TAU)
    return [end_point_error(flow, clip.flow, seen) for flow in flows]


@pytest.mark.parametrize("name", ["motorcycle", "coffee"])
def test_changing_speed(name):
    of_blurry, of_alike = errors(braking_clip(name))
    assert of_alike < 0.2
    assert of_alike < 0.6 * of_blurry


def test_blur_becomes_alike():
    """B1 * k2(x) = B2 * k1(x + u) under the true flow, Portz et al.'s constraint."""
    clip = braking_clip("coffee")
    gray = clip.blurry.mean(-1)
    inside = clip.visible[:-1, 0]

    def difference(to_next, to_previous):
        there = np.asarray(warp(jnp.asarray(to_previous)[..., None], jnp.asarray(clip.flow), 1))[:-1, 0, ..., 0]
        return np.abs(there - to_next[:-1])[inside].mean()

    assert difference(*blur_alike(gray, clip.flow, TAU)) < 0.3 * difference(gray, gray)


def test_no_motion_changes_no_frame():
    gray = braking_clip("coffee").blurry.mean(-1)
    for alike in blur_alike(gray, np.zeros((*gray.shape[:1], 2, *SHAPE, 2), np.float32), TAU):
        np.testing.assert_allclose(alike, gray, atol=1e-6)


def test_motion_boundaries():
    """Kernels change at once there, and in constant motion there was nothing to gain."""
    clip = steady_clip()
    of_blurry, of_alike = errors(clip, at_boundary(clip))
    assert of_alike > of_blurry
