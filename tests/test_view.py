"""Colours and figures show what they say."""

from types import SimpleNamespace

import imageio.v3 as iio
import numpy as np
import pytest

from gvd_jax.progress import Progress
from gvd_jax.view.colour import defocus_colours, flow_colours, flow_legend, largest_motion
from gvd_jax.view.figures import GAP, LABEL, before_after, energy_curve, save
from gvd_jax.view.solver import solver_curves


def step(stage, level, seconds, energy, unknowns=None):
    return Progress(stage, level, 2, (10 * 2**level, 20 * 2**level), seconds / 10, seconds, energy, unknowns)


def clip(frames=3, height=24, width=30, seed=0):
    return np.random.default_rng(seed).random((frames, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "motion, colour",
    [
        ((0, 0), (255, 255, 255)),
        ((2, 0), (255, 0, 0)),
        ((1, 0), (255, 128, 128)),
        ((0, 2), (255, 234, 0)),  # down: yellow
        ((-2, 0), (0, 197, 255)),  # left: between cyan and blue
        ((0, -2), (103, 0, 255)),  # up: violet
        ((4, 0), (191, 0, 0)),  # beyond the largest: darker
        ((np.nan, 0), (0, 0, 0)),
    ],
)
def test_flow_has_the_colours_of_the_middlebury_wheel(motion, colour):
    np.testing.assert_array_equal(flow_colours([[motion]], 2.0), [[colour]])


def test_the_legend_shows_the_motion_from_its_centre():
    wheel = flow_legend(41)
    assert wheel.shape == (41, 41, 3)
    np.testing.assert_array_equal(wheel[20, 20], [255, 255, 255])
    np.testing.assert_array_equal(wheel[20, 40], [255, 0, 0])
    np.testing.assert_array_equal(wheel[0, 0], [255, 255, 255])


@pytest.mark.parametrize("motion, largest", [(0.0, 1.0), (3.0, 3.0)])
def test_the_full_colour_is_the_fastest_motion_but_a_pixel_at_least(motion, largest):
    flow = np.zeros((2, 2, 4, 5, 2))
    flow[..., 0] = motion
    assert largest_motion(flow) == largest


def test_defocus_is_brighter_where_softer():
    shades = defocus_colours([0.0, 1.0, 2.0, 9.0], 2.0)
    assert shades.shape == (4, 3) and shades.dtype == np.uint8
    assert shades[0].sum() < shades[1].sum() < shades[2].sum()
    np.testing.assert_array_equal(shades[2], shades[3])


@pytest.mark.parametrize("channels", [1, 3])
def test_before_and_after_stand_side_by_side_at_full_size_above_a_detail(tmp_path, channels):
    before = np.round(clip(1)[0, ..., :channels] * 255) / 255
    after = before.copy()
    after[12:16, 18:24] = 1.0  # the only change, inside the window that is enlarged
    save(before_after({"blurry": before, "restored": after, "truth": after}), tmp_path / "pair.png")
    image = iio.imread(tmp_path / "pair.png")[..., :3]
    assert image.shape == (LABEL + 2 * (24 + GAP), 3 * (30 + GAP) + GAP, 3)
    for k, picture in enumerate((before, after, after)):
        left = GAP + k * (30 + GAP)
        expected = np.broadcast_to(picture, (24, 30, 3)) * 255
        np.testing.assert_allclose(image[LABEL : LABEL + 24, left : left + 30], expected, atol=1)
    detail = image[-GAP - 24 : -GAP, GAP + 30 + GAP : GAP + 30 + GAP + 30]
    assert (detail == 255).all(-1).sum() == 9 * 4 * 6  # each changed pixel became 3x3


def test_the_energy_is_drawn_per_pixel_and_opens_each_level():
    history = [
        step("start flow", 0, 1.0, {}),
        step("latent", 0, 2.0, {"data": 200.0, "tv": 0.0}),
        step("latent", 1, 4.0, {"data": 1600.0, "tv": 80.0}),
    ]
    lines = energy_curve(history).axes[0].lines
    assert [line.get_label() for line in lines[:2]] == ["data", "tv"]
    np.testing.assert_allclose(lines[0].get_xydata(), [[2.0, 1.0], [4.0, np.nan], [4.0, 2.0]])
    np.testing.assert_allclose(lines[1].get_xydata(), [[4.0, np.nan], [4.0, 0.1]])  # zero has no place on a log axis
    assert lines[2].get_xdata()[0] == 2.0


def test_solver_curves_show_what_the_solver_hands_out():
    """A latent stage in colour, of two channels, and one of the flow, which has no duals."""
    latent = SimpleNamespace(
        before={"data": np.array([[4.0, 2.0], [8.0, 4.0]])},
        after={"data": np.array([[2.0, 1.0], [4.0, 3.0]])},
        length=np.ones((2, 2, 3)),
        residual=np.array([[[8.0, 4.0], [2.0, 1.0]], [[8.0, 4.0], [4.0, 3.0]]]),
        saturated={"temporal": np.array([[0.2, 0.4], [0.4, 0.6]])},
    )
    flow = SimpleNamespace(
        before={"flow_tv": np.array([3.0])},
        after={"flow_tv": np.array([1.0])},
        length=np.array([[1.0, 0.5, 0.0]]),
        residual=np.array([[7.0]]),
        saturated={},
    )
    shape = (1, 2)
    history = [Progress("start flow", 0, 1, shape, 0.1, 0.0, {})]
    history += [
        Progress(name, 0, 1, shape, 1.0, 1.0, {}, None, info) for name, info in (("colour", latent), ("flow", flow))
    ]
    panels = solver_curves(history).axes
    shown = [[line.get_ydata().tolist() for line in axes.lines if line.get_marker() == "o"] for axes in panels]
    np.testing.assert_allclose(np.concatenate(shown[0]), [3.0, 1.5, 1.0, 1.5, 0.5])
    np.testing.assert_allclose(np.concatenate(shown[1]), [4.0, 2.0, 1.5, 1.0, 3.5])
    np.testing.assert_allclose(np.concatenate(shown[2]), [1.0, 1.0, 1.0, 1.0, 0.5, 0.0])
    np.testing.assert_allclose(np.concatenate(shown[3]), [0.3, 0.5])
    assert [text.get_text() for text in panels[-1].get_xticklabels()] == ["colour\n2x1", "flow\n2x1"]
