"""CPUs and GPUs do the same in different ways: both run here."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.ops import motion_blur, resize
from gvd_jax.ops.exposure import all_pixels, piecewise_linear_path, quadratic_path
from tests.problems import DTYPES, SHAPES, random_clip

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("path", [piecewise_linear_path, quadratic_path])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", ["forward", "adjoint"])
def test_motion_blur_at_once_equals_that_by_strips(shape, path, dtype, way):
    unknowns, observation = random_clip(shape, dtype, motion=6.0)
    pixels = all_pixels(unknowns.flow, observation.duty_cycle)
    at_once, by_strips = (
        jax.jit(getattr(motion_blur, f"_{way}_{how}"), static_argnums=(0, 1))(path, 5, pixels, unknowns.latent)
        for how in ("at_once", "by_strips")
    )
    np.testing.assert_allclose(at_once, by_strips, atol=DTYPES[dtype])


# Up, down, up and down, and from and to single pixels.
SIZES = [((9, 13), (20, 31)), ((9, 13), (5, 7)), ((9, 13), (4, 20)), ((1, 7), (3, 2)), ((5, 7), (1, 1))]


@pytest.mark.parametrize(("old", "new"), SIZES)
@pytest.mark.parametrize(("kernel", "method"), [(resize._cubic, "cubic"), (resize._linear, "linear")])
def test_resizing_by_taps_equals_that_of_jax(old, new, kernel, method):
    x = jnp.asarray(np.random.default_rng(0).random((3, *old)))
    resized = jax.image.resize(x, (3, *new), method)
    np.testing.assert_allclose(resize._by_taps(kernel, *new, x), resized, atol=1e-12)
