"""High-speed footage: motion between frames, and frames made up where there are too few."""

import numpy as np
import pytest

from gvd_jax import cli
from gvd_jax.errors import InputError
from gvd_jax.video.high_speed import frames_between, frames_missing, motion_between
from gvd_jax.video.layers import Layer, Path, photograph
from gvd_jax.video.read_write import write_video
from gvd_jax.video.synthesize import average_frames, render

SIZE = (96, 128)


def drifting(step, frames=3):
    """A photograph that moves by `step` pixels (complex) from frame to frame, and half as much between them."""
    layer = Layer(photograph("chelsea"), 1.5, Path(drift=step / 2))
    return render([layer], 2 * frames - 1, *SIZE, 0.0).sharp


@pytest.mark.parametrize("step", [0.0, 0.6 + 0.3j, -2 + 1j, 4j])
def test_motion_is_measured(step):
    np.testing.assert_allclose(motion_between(drifting(step)[::2]), np.abs(step), atol=0.15)


def test_motion_of_wide_frames_is_in_their_pixels():
    wide = np.repeat(np.repeat(drifting(2.0)[::2], 4, 1), 4, 2)
    np.testing.assert_allclose(motion_between(wide), 8.0, atol=0.5)


@pytest.mark.parametrize("step, missing", [(0.0, 0), (0.9, 0), (2.6, 2), (3.6j, 3)])
def test_so_many_frames_are_missing(step, missing):
    frames = drifting(step)[::2]
    assert frames_missing(frames, True) == missing
    if missing:
        with pytest.raises(InputError, match=r"move [23]\.\d pixels.*--interpolate"):
            frames_missing(frames, False)
    else:
        assert frames_missing(frames, False) == 0


def test_frames_in_between_are_those_that_were_left_out():
    frames = drifting(3.0 - 1.0j)
    filled = frames_between(frames[::2], 1)
    assert filled.shape == frames.shape
    np.testing.assert_array_equal(filled[::2], frames[::2])
    inside = (slice(1, None, 2), slice(6, -6), slice(6, -6))
    mean = (frames[:-2:2] + frames[2::2])[:, 6:-6, 6:-6] / 2
    error, without = np.abs(filled - frames)[inside].mean(), np.abs(mean - frames[inside]).mean()
    assert error < 0.25 * without


def test_average_of_frames_in_between_is_that_of_real_ones():
    frames = drifting(2.0, frames=5)
    blurry, sharp, tau = average_frames(frames[::2], 5, between=1)
    expected = frames.mean(0)
    np.testing.assert_array_equal(sharp[0], frames[4])
    assert tau == pytest.approx(0.45)  # nine samples, each half of an interval wide, in five intervals
    inside = (slice(12, -12), slice(12, -12))
    gaps = frames[::2].mean(0)
    assert np.abs(blurry[0] - expected)[inside].mean() < 0.35 * np.abs(gaps - expected)[inside].mean()


def test_synthesize_asks_before_it_makes_frames_up(tmp_path, capsys):
    shifted = np.stack([np.roll(photograph("chelsea")[::4, ::4], 2 * k, 1) for k in range(3)])
    write_video(tmp_path / "in", shifted)
    arguments = ["synthesize", str(tmp_path / "in"), str(tmp_path / "out"), "--frames-per-exposure", "3"]
    assert cli.main(arguments) == 2
    assert "things move 2." in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert cli.main([*arguments, "--interpolate"]) == 0
    said = capsys.readouterr()
    assert "1 frames are made up" in said.err and "1 frames, duty cycle 0.4167" in said.out
