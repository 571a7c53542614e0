"""The smoothing of what was blurred, against the loop over its definition."""

import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method.stages.finish import soften
from gvd_jax.model.unknowns import Unknowns

SHAPE = (2, 6, 7)
TAU = np.array([0.5, 0.3])
pytestmark = pytest.mark.usefixtures("x64")


def loop(latent, flow, defocus, variance):
    """Half the variance times the second differences along both axes; the border repeats."""
    result = latent.copy()
    for i, y, x in np.ndindex(SHAPE):
        blur = np.mean([(2 * TAU[i]) ** 2 * flow[i, k, y, x] @ flow[i, k, y, x] / 12 for k in (0, 1)])
        blur += defocus[i, y, x] ** 2
        near = [(max(y - 1, 0), x), (min(y + 1, SHAPE[1] - 1), x), (y, max(x - 1, 0)), (y, min(x + 1, SHAPE[2] - 1))]
        second = sum(latent[(i, *there)] for there in near) - 4 * latent[i, y, x]
        result[i, y, x] += variance / 2 * blur / (blur + 1 / 12) * second
    return result


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("defocused", [False, True])
def test_soften_equals_the_loop(rng, channels, defocused):
    latent = rng.uniform(size=(*SHAPE, channels))
    flow, defocus = rng.standard_normal((2, 2, *SHAPE[1:], 2)), defocused * rng.uniform(size=SHAPE)
    unknowns = Unknowns(latent=jnp.asarray(latent), flow=jnp.asarray(flow))
    if defocused:
        unknowns = Unknowns(latent=unknowns.latent, flow=unknowns.flow, defocus=jnp.asarray(defocus))
    softer = soften(unknowns, jnp.asarray(TAU), 0.1)
    np.testing.assert_allclose(softer, loop(latent, flow, defocus, 0.1), atol=1e-12)


def test_what_was_not_blurred_stays(rng):
    latent = jnp.asarray(rng.uniform(size=(*SHAPE, 3)))
    unknowns = Unknowns(latent=latent, flow=jnp.zeros((2, 2, *SHAPE[1:], 2)))
    np.testing.assert_array_equal(soften(unknowns, jnp.asarray(TAU), 0.1), latent)
