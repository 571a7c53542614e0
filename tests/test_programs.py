"""What stages hold of the memory, and leave."""

import platform
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.method import programs


def branches(x):
    """Eight numbers, each from an array of its own: ordered for concurrency all are held at once."""
    return sum((jnp.sort(jnp.sin(k * x), axis=1) ** 2).sum() for k in range(1, 9))


@pytest.mark.skipif(
    jax.default_backend() != "cpu" or not programs._known(frozenset(programs.LEAN.items())),
    reason="XLA orders as it likes",
)
def test_the_option_saves_memory():
    """An option that XLA knows may still do nothing."""
    x = jax.ShapeDtypeStruct((4, 64, 64), jnp.float32)
    plain, lean = (
        jax.jit(branches, compiler_options=options).lower(x).compile().memory_analysis().temp_size_in_bytes
        for options in ({}, programs.LEAN)
    )
    assert lean < 0.3 * plain


def test_lean_programs_do_the_same_alone_and_within_another():
    x = jnp.asarray(np.random.default_rng(0).random((2, 5, 6)), jnp.float32)
    lean = programs.lean_jit(branches)
    for result in (lean(x), jax.jit(lean)(x)):
        np.testing.assert_allclose(result, branches(x), rtol=1e-5)


@pytest.mark.skipif(not programs.MAPS.exists(), reason="no memory maps to count")
@pytest.mark.parametrize(("share", "traces"), [(1.0, 1), (0.0, 2)])
def test_programs_are_forgotten_when_they_take_too_many_maps(monkeypatch, share, traces):
    traced = []
    program = jax.jit(lambda x: traced.append(x) or x + 1)
    monkeypatch.setattr(programs, "SHARE", share)
    for _ in range(2):
        program(jnp.zeros(3))
        programs.make_room()
    assert len(traced) == traces


def resident_megabytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_freed_memory_goes_back():
    arrays = [np.ones(12_000) for _ in range(2000)]  # 96 kB each: such pieces stay with the C library
    last = arrays[-1]  # at the end of its heap, which it would cut by itself
    arrays.clear()
    before = resident_megabytes()
    programs.give_back()
    assert before - resident_megabytes() > 150
    assert last.sum() == 12_000
