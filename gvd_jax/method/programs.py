"""How programs are compiled, and what they leave behind."""

import ctypes
import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from gvd_jax import stored_programs
from gvd_jax.ops.platform import on_cpu

# By default XLA orders a CPU program for concurrency. It is no faster for it, and holds up to nearly twice the memory.
LEAN = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
# LLVM's higher levels take up to a third longer to compile the programs of a solver, which are no faster for it.
QUICK = {"xla_backend_optimization_level": 1}
# XLA's older emitters compile in two thirds of the time. Conjugate gradients alone are as fast by them, primal-dual
# iterations take nearly twice as long. LLVM's lowest level would make programs four times slower.
BRIEF = QUICK | {"xla_cpu_use_fusion_emitters": False}
MAPS, MOST_MAPS = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
SHARE = 0.5  # of the maps: the programs of one clip take a tenth


@functools.cache
def _known(wanted: frozenset[tuple[str, Any]]) -> dict[str, Any]:
    """Of these options those that the compiler of a CPU knows: they are XLA's own, and may go as they came."""
    if not on_cpu() or _are_known(dict(wanted)):
        return dict(wanted) if on_cpu() else {}
    return {name: value for name, value in wanted if _are_known({name: value})}


def _are_known(options: dict[str, Any]) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options=options)()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def _jit(function: Callable[..., Any], static_argnames: tuple[str, ...], options: dict[str, Any]) -> Callable[..., Any]:
    """`jax.jit` under compiler options, which are for programs that are not traced into another one."""
    part = jax.jit(function, static_argnames=static_argnames)
    places = [list(inspect.signature(function).parameters).index(name) for name in static_argnames]

    @functools.cache
    def whole(hurried: bool):
        # JAX was told to disable most optimizations, which goes further than the options for that.
        own = _known(frozenset((LEAN if hurried else LEAN | options).items()))
        return jax.jit(function, static_argnames=static_argnames, compiler_options=own), own

    @functools.wraps(function)
    def run(*arguments):
        if is_traced(arguments):
            return part(*arguments)
        program, own = whole(bool(jax.config.read("jax_disable_most_optimizations")))
        static = tuple(arguments[place] for place in places)
        others = [value for place, value in enumerate(arguments) if place not in places]
        name = f"{function.__module__}.{function.__qualname__}"
        found = stored_programs.find(program, name, own, arguments, static, others)
        return program(*arguments) if found is None else found(*others)

    return run


def lean_jit(function: Callable[..., Any], static_argnames: tuple[str, ...] = ()) -> Callable[..., Any]:
    """`jax.jit` of primal-dual iterations: in little memory, and compiled soon where that costs none."""
    return _jit(function, static_argnames, QUICK)


def brief_jit(function: Callable[..., Any], static_argnames: tuple[str, ...] = ()) -> Callable[..., Any]:
    """`jax.jit` of conjugate gradients, and of programs that take little time: they are compiled sooner."""
    return _jit(function, static_argnames, BRIEF)


def is_traced(tree: Any) -> bool:
    """Whether a program is being made of what is done with the tree, so that its values are not known yet."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))  # pyright: ignore[reportAttributeAccessIssue]


def make_room() -> None:
    """Forget compiled programs when they have taken a `SHARE` of the memory maps that Linux gives a process: a
    compilation that gets none ends it, and clips of many shapes take many programs."""
    known = MAPS.exists() and MOST_MAPS.exists()
    if known and MAPS.read_bytes().count(b"\n") > SHARE * int(MOST_MAPS.read_text()):
        stored_programs.forget()
        jax.clear_caches()


def give_back() -> None:
    """Return freed memory to the system, where the C library has a way to: it keeps arrays of up to 32 MB for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
