"""Programs in little memory, and what they leave behind."""

import ctypes
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from gvd_jax.ops.platform import on_cpu

# By default XLA orders a CPU program for concurrency. It is no faster for it, and holds up to nearly twice the memory.
LEAN = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
# LLVM's higher levels take up to a third longer to compile the programs of a solver, which are no faster for it.
QUICK = {"xla_backend_optimization_level": 1}
MAPS, MOST_MAPS = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
SHARE = 0.5  # of the maps: the programs of one clip take a tenth


@functools.cache
def _options(hurried: bool) -> dict[str, Any]:
    """LEAN and QUICK on a CPU, as far as its compiler knows them: they are XLA's own, and may go as they came.

    `hurried`: JAX was told to disable most optimizations, which goes further than QUICK.
    """
    wanted = (LEAN if hurried else LEAN | QUICK) if on_cpu() else {}
    return {name: value for name, value in wanted.items() if _is_known({name: value})}


def _is_known(option: dict[str, Any]) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options=option)()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def lean_jit(function: Callable[..., Any], static_argnames: tuple[str, ...] = ()) -> Callable[..., Any]:
    """`jax.jit`, compiled soon and in little memory where it can be: the options are for programs that are not traced
    into another one."""
    part = jax.jit(function, static_argnames=static_argnames)

    @functools.cache
    def whole(hurried: bool):
        return jax.jit(function, static_argnames=static_argnames, compiler_options=_options(hurried))

    @functools.wraps(function)
    def run(*arguments):
        hurried = bool(jax.config.read("jax_disable_most_optimizations"))
        return (part if is_traced(arguments) else whole(hurried))(*arguments)

    return run


def is_traced(tree: Any) -> bool:
    """Whether a program is being made of what is done with the tree, so that its values are not known yet."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))  # pyright: ignore[reportAttributeAccessIssue]


def make_room() -> None:
    """Forget compiled programs when they have taken a `SHARE` of the memory maps that Linux gives a process: a
    compilation that gets none ends it, and clips of many shapes take many programs."""
    known = MAPS.exists() and MOST_MAPS.exists()
    if known and MAPS.read_bytes().count(b"\n") > SHARE * int(MOST_MAPS.read_text()):
        jax.clear_caches()


def give_back() -> None:
    """Return freed memory to the system, where the C library has a way to: it keeps arrays of up to 32 MB for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
