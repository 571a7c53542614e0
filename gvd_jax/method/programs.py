"""How programs are compiled, and what they leave behind."""

import ctypes
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
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
MOST_THREADS = 8  # a compilation holds up to some 200 MB
_pool: ContextVar[Executor | None] = ContextVar("pool", default=None)  # of who looks ahead
SHARE = 0.5  # of the maps: the programs of one clip take a tenth


@functools.cache
def _known(wanted: frozenset[tuple[str, Any]]) -> dict[str, Any]:
    """Of these options those that the compiler of a CPU knows: they are XLA's own, and may go as they came."""
    if not on_cpu() or _are_known(dict(wanted)):
        return dict(wanted) if on_cpu() else {}
    return {name: value for name, value in wanted if _are_known({name: value})}


def _is_hurried() -> bool:
    """Whether JAX was told to disable most optimizations, which goes further than the options for that."""
    return bool(jax.config.read("jax_disable_most_optimizations"))


def _options(options: dict[str, Any], hurried: bool) -> dict[str, Any]:
    """Those that a program is to be compiled under."""
    return LEAN if hurried else LEAN | options


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
    def whole(hurried: bool) -> Callable[[], Any]:
        @functools.cache
        def program():  # the compiler is asked what it knows only if something is compiled
            known = _known(frozenset(_options(options, hurried).items()))
            return jax.jit(function, static_argnames=static_argnames, compiler_options=known)

        return program

    def find(arguments, pool=None):
        hurried = _is_hurried()
        static = tuple(arguments[place] for place in places)
        others = [value for place, value in enumerate(arguments) if place not in places]
        name = f"{function.__module__}.{function.__qualname__}"
        program, own = whole(hurried), _options(options, hurried)
        return program, others, stored_programs.find(program, name, own, arguments, static, others, pool)

    @functools.wraps(function)
    def run(*arguments):
        if is_traced(arguments):
            pool = _pool.get()
            if pool is None:
                return part(*arguments)
            token = _pool.set(None)  # what it calls is a part of it
            try:
                traced = whole(_is_hurried())()(*arguments)  # which the thread need not trace again
            finally:
                _pool.reset(token)
            find(jax.tree.map(_described, arguments), pool)
            return traced
        program, others, found = find(arguments)
        return program()(*arguments) if found is None else found(*others)

    return run


def _described(leaf: Any) -> Any:
    """A traced leaf as a program is compiled for it; others are what they are."""
    aval = getattr(leaf, "aval", None)
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type) if is_traced(leaf) and aval else leaf


@contextmanager
def compiled_ahead(work: Callable[..., Any], *arguments: Any) -> Iterator[None]:
    """While the block runs, threads compile the programs that `work` on such arguments takes, in the order in which it
    takes them.

    They are found by tracing it, the first time: what it does by values that it computes is not foreseen. Only for
    programs that are kept; others are compiled where they are called. What is not begun at the end of the block is not
    needed.
    """
    mark = stored_programs.mark(work, arguments)
    if mark is None or mark.exists():
        yield
        return
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS))
    try:
        with suppress(Exception):  # what fails will do so again where it is called, and say why
            _foresee(pool, work, arguments)
        yield
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _foresee(pool: Executor, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Trace the work, so that the programs which it calls go to the pool."""
    leaves, structure = jax.tree.flatten(arguments)

    def of_arrays(arrays):  # numbers of Python stay such: programs differ by them
        rest = iter(arrays)
        return work(*jax.tree.unflatten(structure, [next(rest) if isinstance(x, jax.Array) else x for x in leaves]))

    for options in (QUICK, BRIEF):  # which cannot be asked while something is traced
        _known(frozenset(_options(options, _is_hurried()).items()))
    token = _pool.set(pool)
    try:
        jax.eval_shape(of_arrays, [leaf for leaf in leaves if isinstance(leaf, jax.Array)])
    finally:
        _pool.reset(token)


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
