"""Programs kept on disk: found again by what they depend on and nothing else, safe against damage, bounded in size."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache.compilation_cache import reset_cache
from scipy import ndimage

import gvd_jax as gvd
from gvd_jax import stored_programs
from gvd_jax.method.programs import brief_jit, compiled_ahead
from gvd_jax.ops.transfer import power_transfer
from gvd_jax.trees import replace
from tests.settings import small

STRUCTURE = jax.tree.structure(power_transfer(2.0))
X = np.arange(6, dtype=np.float32).reshape(2, 3)


def own_curve(x, gamma):
    """Code that is not the package's."""
    return x


TRACED = []


@brief_jit
def doubled(x):
    TRACED.append("doubled")
    return 2 * x


@brief_jit
def doubled_and_one(x):
    TRACED.append("doubled and one")
    return doubled(x) + 1


def work(x, factor):
    return factor * doubled_and_one(doubled(x))


@pytest.fixture
def kept(tmp_path):
    """The folder of programs, in a cache that is used by nothing else."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    reset_cache()
    yield tmp_path / "programs"
    jax.config.update("jax_compilation_cache_dir", before)
    reset_cache()


@pytest.fixture
def count():
    """A program, and how often it was traced."""
    traced = []

    @partial(brief_jit, static_argnames=("power",))
    def program(curve, power, x):
        traced.append(x)
        return {"y": curve.gamma * x**power, "curve": curve}

    def run(*arguments):
        stored_programs.forget()  # as another process does not know them
        jax.clear_caches()
        return program(*arguments)

    return run, traced


def test_another_process_does_not_trace_it_again(kept, count):
    run, traced = count
    for factor in (2.0, 3.0):  # which is traced
        found = run(power_transfer(factor), 2, jnp.asarray(X))
        np.testing.assert_allclose(found["y"], factor * X**2)
        assert found["curve"].gamma == factor and jax.tree.structure(found["curve"]) == STRUCTURE
    assert len(traced) == 1 and len(list(kept.iterdir())) == 1


@pytest.mark.parametrize(
    "other",
    [
        (power_transfer(2.0), 3, jnp.asarray(X)),
        (replace(power_transfer(2.0), name="other"), 2, jnp.asarray(X)),
        (power_transfer(2), 2, jnp.asarray(X)),
        (power_transfer(2.0), 2, jnp.asarray(X[:1])),
        (power_transfer(2.0), 2, jnp.asarray(X, jnp.int32)),
    ],
    ids=["static argument", "static field", "type of a number", "shape", "type"],
)
def test_what_a_program_depends_on_tells_them_apart(kept, count, other):
    run, traced = count
    for curve, power, x in ((power_transfer(2.0), 2, jnp.asarray(X)), other):
        np.testing.assert_allclose(run(curve, power, x)["y"], 2 * np.asarray(x) ** power)
    assert len(traced) == 2 and len(list(kept.iterdir())) == 2


def test_in_64_bits_it_is_another_one(kept, count):
    run, traced = count
    for bits in (32, 64):
        with jax.enable_x64(bits == 64):
            found = run(power_transfer(0.1), 2, jnp.asarray(X))["y"]
        assert found.dtype == np.float32
    assert len(traced) == 2


def test_code_of_a_user_is_not_kept(kept, count):
    run, traced = count
    for _ in range(2):
        np.testing.assert_allclose(
            run(replace(power_transfer(2.0), decode=own_curve), 2, jnp.asarray(X))["y"], 2 * X**2
        )
    assert len(traced) == 2 and not kept.exists()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: data[:40] + b"?" + data[41:], lambda data: b""]
)
def test_a_damaged_one_is_written_anew(kept, count, damage):
    run, traced = count
    arguments = power_transfer(2.0), 2, jnp.asarray(X)
    run(*arguments)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    np.testing.assert_allclose(run(*arguments)["y"], 2 * X**2)
    assert len(traced) == 2 and len(file.read_bytes()) > len(whole) / 2
    run(*arguments)
    assert len(traced) == 2


def test_those_used_longest_ago_make_room(kept, count, monkeypatch):
    run, _ = count
    run(power_transfer(2.0), 2, jnp.asarray(X))
    (file,) = kept.iterdir()
    monkeypatch.setattr(stored_programs, "MOST_BYTES", 1.5 * file.stat().st_size)
    run(power_transfer(2.0), 3, jnp.asarray(X))
    assert [other.name for other in kept.iterdir()] != [file.name] and not file.exists()
    assert len(list(kept.iterdir())) == 1


def test_without_a_cache_nothing_is_kept(count, tmp_path, monkeypatch):
    run, traced = count
    assert jax.config.jax_compilation_cache_dir is None and stored_programs.folder() is None
    run(power_transfer(2.0), 2, jnp.asarray(X))
    assert len(traced) == 1


def test_another_process_compiles_next_to_nothing(kept, hurry, caplog, rng):
    """Not even the small programs that JAX makes of every operation which is in none."""
    frames = ndimage.gaussian_filter(rng.uniform(size=(4, 40, 56, 3)), (0, 1, 1, 0)).astype(np.float32)
    frames = np.stack([np.roll(frames[0], 2 * k, 1) for k in range(4)])
    compiled = []
    for _ in range(2):
        stored_programs.forget()
        jax.clear_caches()
        caplog.clear()
        with jax.log_compiles():
            gvd.deblur(frames, config=small(gvd.Config.default()))
        compiled.append([record.getMessage()[:60] for record in caplog.records if "Compiling" in record.getMessage()])
    assert len(compiled[0]) > 20 and len(compiled[1]) <= 1, compiled[1]  # the joined result codes


def test_programs_are_made_ahead(kept, monkeypatch):
    """Those that a piece of work calls itself, once: not those that are parts of others."""
    monkeypatch.setattr(stored_programs, "OURS", stored_programs.OURS | {"tests"})
    TRACED.clear()
    jax.clear_caches()
    for _ in range(2):
        with compiled_ahead(work, jnp.asarray(X), 3.0):
            so_far = list(TRACED)
            np.testing.assert_allclose(work(jnp.asarray(X), 3.0), 3 * (4 * X + 1))  # waits for the threads
        assert len(list(kept.iterdir())) == 3  # and a mark, by which it is not foreseen again
        stored_programs.forget()
        jax.clear_caches()
    assert set(so_far) == {"doubled", "doubled and one"} and so_far == TRACED


@pytest.mark.parametrize("wrong", [jnp.zeros(7), None])
def test_work_that_fails_ahead_fails_where_it_is_called(kept, monkeypatch, wrong):
    """And what was not begun when it failed is made when it is asked for."""
    monkeypatch.setattr(stored_programs, "OURS", stored_programs.OURS | {"tests"})
    with pytest.raises((TypeError, ValueError)), compiled_ahead(work, jnp.asarray(X), wrong):
        work(jnp.asarray(X), wrong)
    np.testing.assert_allclose(work(jnp.asarray(X), 3.0), 3 * (4 * X + 1))


def test_threads_compile_under_the_settings_of_who_asks(kept, monkeypatch):
    monkeypatch.setattr(stored_programs, "OURS", stored_programs.OURS | {"tests"})
    with jax.enable_x64(True):
        x = jnp.asarray(X, jnp.float64)
        with compiled_ahead(work, x, 3.0):
            found = work(x, 3.0)
    assert found.dtype == jnp.float64
    np.testing.assert_allclose(found, 3 * (4 * X + 1), rtol=1e-14)
