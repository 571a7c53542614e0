"""Repeats, cuts and pictures that stand alone are found from the frames, and restored accordingly."""

import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.method.timeline import Timeline, find_timeline, listed, plain_timeline
from gvd_jax.ops.warp import NEIGHBOURS, neighbour_exists
from gvd_jax.scale.clip import deblur_video
from gvd_jax.scale.survey import Survey
from gvd_jax.scale.window import restore_block
from gvd_jax.video.read_write import read_video, write_video
from tests.clips import panned
from tests.settings import small

A, B = panned("chelsea", 6), panned("motorcycle", 6)
SMALL = small(gvd.Config.default())
BLACK = np.zeros_like(A[:1])
NOISE = 0.3 / 255 * np.random.default_rng(0).standard_normal(A[:1].shape).astype(np.float32)


@pytest.mark.parametrize(
    "frames, starts, continues",
    [
        (A, range(6), "11111."),
        (np.concatenate([A[:3], B[:3]]), range(6), "11.11."),
        (np.concatenate([A[:2], B[:1], A[2:]]), range(7), "1..111."),
        (A[[0, 1, 1, 2, 3, 3, 3]], [0, 1, 3, 4], "111."),
        (np.concatenate([A[:2], A[1:2] + NOISE, A[2:]]), [0, 1, 3, 4, 5, 6], "11111."),
        (np.concatenate([A[:2], A[1:2], B[:2]]), [0, 1, 3, 4], "1.1."),
        (np.concatenate([BLACK, A[:3]]), range(4), ".11."),
        (np.stack([g * frame for g, frame in zip((0.3, 0.6, 1.0, 0.5), A, strict=False)]), range(4), "111."),
        (A[[2, 2, 2]], [0], "."),
        (A[[1, 1, 4], :20], range(3), "11."),
    ],
    ids=[
        "one shot",
        "cut",
        "alone",
        "repeats",
        "repeat of a codec",
        "repeat, cut",
        "black",
        "exposure",
        "still",
        "small",
    ],
)
def test_what_frames_are_to_each_other(frames, starts, continues):
    expected = Timeline(len(frames), tuple(starts), tuple(mark == "1" for mark in continues))
    assert find_timeline(frames.astype(np.float32)) == expected


def test_noise_is_no_repeat():
    rng = np.random.default_rng(1)
    still = A[:1] + 0.01 * rng.standard_normal((4, *A.shape[1:]))
    assert find_timeline(still.astype(np.float32)) == plain_timeline(4)


def test_it_is_said_with_the_numbers_of_frames():
    assert Timeline(9, (0, 1, 2, 4, 5, 6, 7), (True, True, False, True, False, False, False)).notes() == [
        "cut before frame 4: each part is restored by itself",
        "no neighbour explains frame 6, 7: kept as it is",
        "frame 3, 8 repeats the one before: each picture is restored once",
    ]
    assert plain_timeline(4).notes() == []
    dissolve = True, True, False, False, False, False, True, True, False
    assert Timeline(9, tuple(range(9)), dissolve).notes() == [
        "frame 3 to 5 fit no neighbour, as in a dissolve: kept as they are"
    ]


@pytest.mark.parametrize(
    "starts, cuts, rests",
    [
        ((0, 3, 4, 5, 6, 7), (), (0,)),
        ((0, 1, 2, 3, 4, 5), (), (5,)),
        ((0, 1, 2, 5, 6, 7), (), ()),
        ((0, 2, 4, 6), (), ()),
        ((0, 1, 2, 6, 7), (2,), (2,)),
        ((0, 2, 5), (), ()),
        ((0,), (), ()),
    ],
    ids=["at the start", "at the end", "in between", "every picture twice", "before a cut", "not much longer", "alone"],
)
def test_which_pictures_rest(starts, cuts, rests):
    continues = tuple(k not in cuts and k < len(starts) - 1 for k in range(len(starts)))
    assert np.flatnonzero(Timeline(8, starts, continues).rests).tolist() == list(rests)


def test_numbers_are_listed_in_runs():
    assert listed([1, 4, 5, 6, 8, 9]) == "1, 4 to 6, 8, 9"
    assert listed([1, 3, 5, 7, 8, 9], most=2) == "1, 3 and 4 more"


def test_neighbours_end_at_a_cut():
    exists = np.asarray(neighbour_exists(jnp.array([1.0, 0.0, 1.0, 1.0, 0.0]), NEIGHBOURS))
    expected = [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1]]
    np.testing.assert_array_equal(exists, expected)


def test_both_sides_of_a_cut_are_restored_as_if_alone():
    """And a repeat is what the picture before it is, and what stands alone is what it was."""
    order = [0, 1, 2, 2, 3]
    frames = np.concatenate([A[order], B[:1], A[4:]]).astype(np.float32)
    restored = gvd.deblur(frames, 0.4, SMALL)
    assert restored.latent.shape == frames.shape and restored.flow.shape[0] == len(frames)
    np.testing.assert_array_equal(restored.latent[5], frames[5])
    np.testing.assert_array_equal(restored.latent[2], restored.latent[3])
    assert not np.asarray(restored.flow[5]).any() and np.abs(np.asarray(restored.flow[:4])).mean() > 1
    # The ends of a shot continue its motion, to the left.
    forward, backward = np.asarray(restored.flow)[[0, 4], :, 12:-12, 16:-16, 0].mean((0, 2, 3))
    assert forward < -1 and backward > 1


def test_a_window_whose_pictures_have_no_neighbours_is_left_as_it_is():
    frames = np.stack([A[0], B[0], A[5]]).astype(np.float32)
    survey = Survey(0.4, timeline=Timeline(3, (0, 1, 2), (False, False, False)))
    restored = restore_block(frames, survey, SMALL, ())
    np.testing.assert_array_equal(restored.latent, frames)
    assert (
        restored.timeline.continues == (False,) * 3
        and restored.history == ()
        and not np.asarray(restored.defocus).any()
    )


def test_a_cut_that_is_known_beforehand():
    timeline = Timeline(6, (0, 1, 3, 4, 5), (True, True, False, True, False))
    cut = timeline.cut_before((2, 3, 5))  # frame 2 repeats 1
    assert cut == Timeline(6, (0, 1, 3, 4, 5), (True, False, False, False, False))


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_a_file_that_shows_one_picture_stays_as_it_is(tmp_path, level):
    write_video(tmp_path / "in", np.full((5, 48, 64, 3), level, np.float32))
    done = deblur_video(tmp_path / "in", tmp_path / "out")
    assert done.notes[0] == "all frames show the same picture: they are kept as they are"
    np.testing.assert_array_equal(*(read_video(tmp_path / name).frames for name in ("in", "out")))
