"""Shapes and types of every call are checked by beartype under pytest; random data come from fixed seeds."""

import os
import subprocess
import sys
from contextlib import contextmanager

import beartype
import jax
import jaxtyping
import numpy as np
import pytest

UNCHECKED = {"__init__", "resize_frames", "resize_flow", "resize_defocus"}
CONF = beartype.BeartypeConf(is_pep484_tower=True)  # an int may stand for a float, as for every other type checker


def check(function):
    """beartype, save for two kinds of functions whose shapes the annotations do not say.

    JAX also builds pytrees of axes, of shapes and of batches; a resized array has another H and W than its argument.
    """
    return function if function.__name__ in UNCHECKED else beartype.beartype(conf=CONF)(function)


# Before anything imports the package: what is loaded by then is not checked.
jaxtyping.install_import_hook("gvd_jax", f"{__name__}.check")

# Most of the tests' time is compiling for a few pixels, and XLA's older emitters take half as long. XLA reads this when
# JAX first needs a device; one that does not know it stops the process.
OLDER_EMITTERS = {"XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false"}
if "XLA_FLAGS" not in os.environ:
    first_need = [sys.executable, "-c", "import jax; jax.devices()"]
    known = subprocess.run(first_need, env=os.environ | OLDER_EMITTERS, capture_output=True).returncode == 0
    os.environ.update(OLDER_EMITTERS if known else {"XLA_FLAGS": ""})


@pytest.fixture(scope="module", autouse=True)
def room_for_programs():
    """A process runs many files, and none again."""
    yield
    from gvd_jax.method.programs import make_room  # not before it is checked

    make_room()


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture
def hurry():
    """Programs are compiled in a hurry: they are run once, on a few pixels."""
    with disabled_optimizations():
        yield


@pytest.fixture(scope="module")
def hurried_file():
    """The same for all that a file runs, its fixtures too."""
    with disabled_optimizations():
        yield


@contextmanager
def disabled_optimizations():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def x64(hurry):
    """Arrays made inside the test are float64, and programs compiled in a hurry."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def compiled():
    """The durations of what is compiled meanwhile."""
    seconds = []

    def listen(event, duration, **_):
        if event.endswith("backend_compile_duration"):
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield seconds
    jax.monitoring.unregister_event_duration_listener(listen)
