"""What stages hold of the memory, and leave."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method import memory


def branches(x):
    """Eight numbers, each from an array of its own: ordered for concurrency all are held at once."""
    return sum((jnp.sort(jnp.sin(k * x), axis=1) ** 2).sum() for k in range(1, 9))


@pytest.mark.skipif(jax.default_backend() != "cpu" or not memory._options(), reason="XLA orders as it likes")
def test_the_option_saves_memory():
    """An option that XLA knows may still do nothing."""
    x = jax.ShapeDtypeStruct((4, 64, 64), jnp.float32)
    plain, lean = (
        jax.jit(branches, compiler_options=options).lower(x).compile().memory_analysis().temp_size_in_bytes
        for options in ({}, memory.LEAN)
    )
    assert lean < 0.3 * plain


def test_lean_programs_do_the_same_alone_and_within_another():
    x = jnp.asarray(np.random.default_rng(0).random((2, 5, 6)), jnp.float32)
    lean = memory.lean_jit(branches)
    for result in (lean(x), jax.jit(lean)(x)):
        np.testing.assert_allclose(result, branches(x), rtol=1e-5)


def test_freed_memory_can_be_given_back():
    kept = jnp.arange(1000)
    memory.give_back()
    assert kept.sum() == 499500
