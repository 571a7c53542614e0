"""Nothing is broadcast or converted that is not written out: the method is traced where JAX refuses both."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp

import gvd_jax as gvd
from tests.settings import small

STRICT = {"JAX_NUMPY_RANK_PROMOTION": "raise", "JAX_NUMPY_DTYPE_PROMOTION": "strict"}
FRAMES, HEIGHT, WIDTH = 3, 20, 24


def array(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def blurred(latent, flow, defocus, tau):
    """A number of the blurred frames."""
    unknowns = gvd.Unknowns(latent=latent, flow=flow, defocus=defocus)
    observation = gvd.observe(latent, tau)
    return jnp.square(observation.blur(latent, unknowns, observation)).sum()


def restored(frames, tau, start):
    """A number of the frames that the fast settings restore. Without the latent solve, whose derivative takes many
    times as long to trace, and has no rule of its own but that of the blur."""
    config = small(gvd.Config.fast(), "flow", "guess ends", "blend")
    return gvd.deblur_pure(frames, tau, config, start).latent.sum()


def trace():
    """Print the shapes of what is traced; nothing is compiled."""
    pixels, tau, flow = (FRAMES, HEIGHT, WIDTH), array(FRAMES), array(FRAMES, 2, HEIGHT, WIDTH, 2)
    default = jax.eval_shape(lambda *clip: gvd.deblur_pure(*clip, gvd.Config.default()), array(*pixels, 3), tau)
    slope = jax.eval_shape(jax.grad(restored, (0, 1, 2)), array(*pixels, 1), tau, flow)
    # Written adjoints are traced when they are lowered, not before.
    blur = jax.jit(jax.grad(blurred, (0, 1, 2, 3))).lower(array(*pixels, 1), flow, array(*pixels), tau).out_info
    for shapes in ((default.defocus, default.flow, default.latent), slope, blur):
        print([part.shape for part in shapes])


def test_the_method_is_traced_under_strict_promotion():
    code = "from tests.test_promotion import trace; trace()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        env=os.environ | STRICT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    latent, flow = (FRAMES, HEIGHT, WIDTH, 1), (FRAMES, 2, HEIGHT, WIDTH, 2)
    default = [(FRAMES, HEIGHT, WIDTH), flow, (FRAMES, HEIGHT, WIDTH, 3)]
    expected = [default, [latent, (FRAMES,), flow], [latent, flow, (FRAMES, HEIGHT, WIDTH), (FRAMES,)]]
    assert done.stdout.splitlines() == [str(shapes) for shapes in expected]
