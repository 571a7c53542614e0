"""The matting Laplacian and what it spreads."""

import numpy as np
import pytest

from experiments.baselines.matting import matting_laplacian, propagate
from gvd_jax.video.layers import photograph


@pytest.fixture
def frame():
    """A piece of a photograph, [24, 30, 3]."""
    return photograph("coffee")[100:148:2, 200:260:2]


def test_laplacian_is_symmetric_semidefinite_and_blind_to_a_constant(frame):
    laplacian = matting_laplacian(frame)
    np.testing.assert_allclose(laplacian.sum(1), 0, atol=1e-9)
    assert abs(laplacian - laplacian.T).max() < 1e-9
    assert np.linalg.eigvalsh(laplacian.toarray()).min() > -1e-9


def test_laplacian_is_nearly_blind_to_what_is_affine_in_the_colour(frame, rng):
    laplacian = matting_laplacian(frame)
    affine = (frame.astype(float) @ [0.3, -0.5, 0.9] + 0.2).ravel()
    other = rng.permutation(affine)
    assert affine @ (laplacian @ affine) < 1e-3 * (other @ (laplacian @ other))


def test_a_constant_spreads(frame, rng):
    known = rng.random(frame.shape[:2]) < 0.05
    np.testing.assert_allclose(propagate(np.where(known, 1.7, -9), known, frame), 1.7, rtol=1e-4)


def test_scribbles_spread_up_to_the_step_between_them(rng):
    frame = np.full((40, 50, 3), 0.2) + (np.arange(50) >= 22)[:, None] * [0.5, 0.3, 0.1]
    frame += 0.002 * rng.standard_normal(frame.shape)
    known, values = np.zeros((40, 50), bool), np.zeros((40, 50))
    known[5:35, 4], known[5:35, 45], values[:, 4], values[:, 45] = True, True, 1.0, 3.0
    spread = propagate(values, known, frame)
    np.testing.assert_allclose(spread[:, :21], 1.0, atol=0.15)
    np.testing.assert_allclose(spread[:, 23:], 3.0, atol=0.15)


def test_where_nothing_is_known_there_is_nothing(frame):
    unknown = np.zeros(frame.shape[:2], bool)
    np.testing.assert_array_equal(propagate(np.ones(unknown.shape), unknown, frame), 0)
