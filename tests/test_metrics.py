"""Metrics against values known by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.errors import InputError
from gvd_jax.metrics import defocus_error, end_point_error, psnr, ssim, temporal_consistency

ZEROS = np.zeros((3, 8, 9, 3), np.float32)


@pytest.mark.parametrize("error, expected", [(0.1, 20.0), (0.01, 40.0), (1.0, 0.0), (0.0, np.inf)])
def test_psnr_of_a_constant_error(error, expected):
    np.testing.assert_allclose(psnr(ZEROS + np.float32(error), ZEROS), [expected] * 3, rtol=1e-6, atol=1e-6)


def test_psnr_is_per_frame_over_all_channels():
    result = ZEROS.copy()
    result[1, ..., 0] = 0.3  # mean square error 0.03
    np.testing.assert_allclose(psnr(jnp.asarray(result), ZEROS), [np.inf, -10 * np.log10(0.03), np.inf], rtol=1e-6)


@pytest.mark.parametrize("offset, truth", [(0.0, 1.0), (0.5, 0.0001 / 0.2501)])
def test_ssim_of_constant_frames(offset, truth):
    """(2 a b + c) / (a^2 + b^2 + c) with c = 0.01^2; contrast and structure agree."""
    np.testing.assert_allclose(ssim(ZEROS + np.float32(offset), ZEROS), [truth] * 3, rtol=1e-5)


def test_ssim_of_noise_falls_with_its_strength():
    rng = np.random.default_rng(0)
    truth, noise = rng.random((2, 1, 32, 32, 3))
    scores = [ssim(truth + strength * (noise - 0.5), truth)[0] for strength in (0.05, 0.2, 0.8)]
    assert 1.0 > scores[0] > scores[1] > scores[2]


@pytest.mark.parametrize("frames, step, expected", [(3, 0.1, 0.1), (3, 0.0, 0.0), (1, 0.1, 0.0)])
def test_temporal_consistency_is_the_change_of_the_error(frames, step, expected):
    truth = np.random.default_rng(0).random((frames, 4, 5, 1))
    result = truth + 0.2 + step * np.arange(frames)[:, None, None, None]
    assert temporal_consistency(result, truth) == pytest.approx(expected)


def test_errors_of_flow_and_defocus_count_marked_pixels_only():
    flow = np.zeros((2, 2, 4, 5, 2), np.float32)
    truth = flow.copy()
    truth[..., 0], truth[..., 1] = 3.0, 4.0
    truth[0] = 100.0
    visible = np.zeros((2, 2, 4, 5), bool)
    visible[1, :, 2] = True
    assert end_point_error(jnp.asarray(flow), truth, visible) == pytest.approx(5.0)
    sigma = np.array([[[1.0, 2.0, 9.0]]])
    assert defocus_error(sigma, np.array([[[0.0, 2.0, 0.0]]]), sigma < 5) == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: psnr(ZEROS, ZEROS[:2]), "cannot be compared"),
        (lambda: ssim(ZEROS[:, :6], ZEROS[:, :6]), "7x7"),
        (lambda: temporal_consistency(ZEROS, ZEROS[..., :1]), "cannot be compared"),
        (lambda: end_point_error(ZEROS[..., :2], ZEROS[..., :2], np.zeros((3, 8, 9), bool)), "0 pixels"),
        (lambda: defocus_error(ZEROS[..., 0], ZEROS[..., 0], np.ones((8, 9), bool)), "does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
