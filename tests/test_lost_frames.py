"""Lost frames: found by the motion of the frame as a whole."""

import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method.lost_frames import without_jumps

EVEN = [8.0, 8.0, 8.0, 8.0, 8.0]
ALL = [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    "motion, continues, expected",
    [
        pytest.param(EVEN, ALL, ALL, id="even"),
        pytest.param([8.0, 9.0, 24.0, 8.0, 7.0], ALL, [1, 1, 0, 1, 1, 0], id="two lost"),
        pytest.param([8.0, 9.0, 14.0, 8.0, 7.0], ALL, ALL, id="a shake"),
        pytest.param([8.0, 9.0, -7.0, -8.0, 7.0], ALL, ALL, id="turns back"),
        pytest.param([0.1, 0.1, 0.9, 0.1, 0.1], ALL, ALL, id="hardly moves"),
        pytest.param([30.0, 8.0, 8.0, 8.0, 30.0], ALL, ALL, id="first and last pair"),
        pytest.param([8.0, 8.0, 30.0, 8.0, 8.0], [1, 0, 1, 1, 1, 0], [1, 0, 1, 1, 1, 0], id="beside a cut"),
    ],
)
def test_a_pair_much_faster_than_both_beside_it_is_no_motion(motion, continues, expected):
    flow = np.zeros((6, 2, 4, 5, 2), np.float32)
    flow[:5, 0, ..., 1] = np.array(motion)[:, None, None]
    flow[:5, 0, 0, 0, 0] = 1000.0  # an object of its own
    found = without_jumps(jnp.asarray(flow), jnp.asarray(continues, jnp.float32))
    np.testing.assert_array_equal(found, expected)
