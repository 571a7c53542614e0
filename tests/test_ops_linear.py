"""Every linear operator: its adjoint, its linearity, its rows and its batches."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.ops.differences import image_gradient
from gvd_jax.ops.disc_defocus import RADII, disc_defocus
from gvd_jax.ops.exposure import piecewise_linear_path, quadratic_path
from gvd_jax.ops.filters import smooth_gradient
from gvd_jax.ops.gaussian_defocus import gaussian_defocus
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.resize import resize_flow, resize_frames
from gvd_jax.ops.sampling import sample
from gvd_jax.ops.warp import displacements, neighbour_index, warp
from tests.problems import DTYPES, SHAPES, random_clip

SCALES = (0.0, 0.5, 1.0, 1.5)


def read(frames, flow):
    """Reads of frame i + 1 at x + u, far outside the frame for many x."""
    count, height, width, _ = frames.shape
    y, x = jnp.mgrid[:height, :width].astype(flow.dtype)
    return sample(frames, neighbour_index(count, 1), y + flow[:, 0, ..., 1], x + flow[:, 0, ..., 0])


GATHERS = {  # built by linear_map
    "sample": lambda v, o, x: read(x, v.flow),
    "warp": lambda v, o, x: warp(x, displacements(v.flow, 2), 2),
    "motion_blur_linear": lambda v, o, x: motion_blur(piecewise_linear_path, 3, x, v.flow, o.duty_cycle),
    "motion_blur_quadratic": lambda v, o, x: motion_blur(quadratic_path, 3, x, v.flow, o.duty_cycle),
}
AVERAGES = GATHERS | {
    "gaussian_defocus": lambda v, o, x: gaussian_defocus(SCALES, x, v.defocus),
    "disc_defocus": lambda v, o, x: disc_defocus(RADII, x, v.defocus),
    "resize_up": lambda v, o, x: resize_frames(x, 13, 12),
    "resize_down": lambda v, o, x: resize_frames(x, 4, 5),
}
OPERATORS = AVERAGES | {
    "image_gradient": lambda v, o, x: jnp.stack(image_gradient(x, 1)),
    "smooth_gradient": lambda v, o, x: smooth_gradient(x),
    "resize_flow": lambda v, o, x: resize_flow(v.flow[..., :1, :1, :] * x[:, None, ..., :1], 4, 13),
}


@partial(jax.jit, static_argnums=0)
def apply(name, unknowns, observation, x):
    return OPERATORS[name](unknowns, observation, x)


@partial(jax.jit, static_argnums=0)
def transpose(name, unknowns, observation, y):
    """K' y, by transposition of K."""
    operator = partial(OPERATORS[name], unknowns, observation)
    return jax.linear_transpose(operator, unknowns.latent)(y)[0]


def like(x, seed):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(x.shape), x.dtype)


def stack(*trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_adjoint_and_linearity(x64, name, shape):
    clip = random_clip(shape, motion=4.0)
    x, z = like(clip[0].latent, 1), like(clip[0].latent, 2)
    image = apply(name, *clip, x)
    y = like(image, 3)
    scale = np.linalg.norm(image) * np.linalg.norm(y)
    np.testing.assert_allclose(jnp.vdot(image, y), jnp.vdot(x, transpose(name, *clip, y)), rtol=0, atol=1e-10 * scale)
    combined = 2 * image - 3 * apply(name, *clip, z)
    np.testing.assert_allclose(apply(name, *clip, 2 * x - 3 * z), combined, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", GATHERS)
def test_reverse_mode_and_two_transpositions(x64, name):
    """The gradient of |Kx|^2 / 2 is K'Kx, and K'' is K."""
    clip = random_clip(motion=4.0)
    x = like(clip[0].latent, 1)
    image = apply(name, *clip, x)
    half_square = jax.jit(jax.grad(lambda x: jnp.sum(apply(name, *clip, x) ** 2) / 2))
    np.testing.assert_allclose(half_square(x), transpose(name, *clip, image), rtol=1e-12, atol=1e-12)
    twice = jax.jit(lambda x: jax.linear_transpose(lambda y: transpose(name, *clip, y), image)(x)[0])
    np.testing.assert_allclose(twice(x), image, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", AVERAGES)
def test_rows_sum_to_one(x64, name, dtype):
    clip = random_clip(dtype=dtype, motion=4.0)
    ones = apply(name, *clip, jnp.ones_like(clip[0].latent))
    assert ones.dtype == dtype
    np.testing.assert_allclose(ones, 1, rtol=DTYPES[dtype])


@pytest.mark.parametrize("name", [n for n in AVERAGES if not n.startswith("resize")])
def test_rows_are_not_negative(x64, name):
    clip = random_clip(motion=4.0)
    impulse = jnp.zeros_like(clip[0].latent).at[:, 4, 5].set(1)
    assert apply(name, *clip, impulse).min() >= 0


@pytest.mark.parametrize("name", [n for n in GATHERS if n.startswith("motion")] + ["gaussian_defocus", "disc_defocus"])
def test_nothing_moves_without_flow_or_defocus(x64, name):
    unknowns, observation = random_clip()
    still = jax.tree.map(jnp.zeros_like, unknowns)
    np.testing.assert_allclose(apply(name, still, observation, unknowns.latent), unknowns.latent, rtol=1e-15)


BATCHED = {"input": (None, None, 0), "parameters": (0, 0, None), "both": (0, 0, 0)}


@pytest.mark.parametrize("batched", BATCHED)
@pytest.mark.parametrize("function", [apply, transpose], ids=["forward", "transposed"])
@pytest.mark.parametrize("name", ["sample", "motion_blur_quadratic"])
def test_vmap_equals_loop(x64, name, function, batched):
    clips = [random_clip(seed=seed) for seed in (0, 1)]
    image = jax.eval_shape(partial(apply, name), *clips[0], clips[0][0].latent)
    inputs = [like(image if function is transpose else clips[0][0].latent, seed) for seed in (2, 3)]
    axes = BATCHED[batched]
    first = (*clips[0], inputs[0])
    second = tuple(a if axis is None else b for axis, a, b in zip(axes, first, (*clips[1], inputs[1]), strict=True))
    batch = [a if axis is None else stack(a, b) for axis, a, b in zip(axes, first, second, strict=True)]
    expected = stack(function(name, *first), function(name, *second))
    result = jax.vmap(partial(function, name), axes)(*batch)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)
