"""Programs in little memory, and what they leave behind."""

import ctypes
import functools
import sys
from collections.abc import Callable
from typing import Any

import jax

from gvd_jax.ops.platform import on_cpu

# By default XLA orders a CPU program for concurrency. It is no faster for it, and holds up to nearly twice the memory.
LEAN = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}


@functools.cache
def _options() -> dict[str, Any]:
    """LEAN on a CPU whose compiler knows the option; it is one of XLA's own, and may go as it came."""
    if not on_cpu():
        return {}
    try:
        jax.jit(lambda: 0, compiler_options=LEAN)()
    except jax.errors.JaxRuntimeError:
        return {}
    return LEAN


def lean_jit(function: Callable[..., Any], static_argnames: tuple[str, ...] = ()) -> Callable[..., Any]:
    """`jax.jit`, in little memory where it can be: the option is for programs that are not traced into another one."""
    part = jax.jit(function, static_argnames=static_argnames)

    @functools.cache
    def whole():
        return jax.jit(function, static_argnames=static_argnames, compiler_options=_options())

    @functools.wraps(function)
    def run(*arguments):
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments))  # pyright: ignore[reportAttributeAccessIssue]
        return (part if traced else whole())(*arguments)

    return run


def give_back() -> None:
    """Return freed memory to the system, where the C library has a way to: it keeps arrays of up to 32 MB for later."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
