"""Programs kept as the machine runs them: a later process neither traces, lowers nor compiles them.

JAX's own compilation cache keeps what its compiler made, for which everything has to be traced and lowered first. What
stands here is found by what goes into that: the code of this package, shapes, static settings, versions and device.
Programs with code of a user are not kept, for that may change without notice.
"""

import functools
import hashlib
import io
import os
import pickle
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental.compilation_cache.compilation_cache import reset_cache
from jax.experimental.serialize_executable import deserialize_and_load, serialize

MOST_BYTES = 2**30  # of all programs: the least recently used go first
OURS = {"gvd_jax", "jax", "jaxlib", "numpy", "builtins", "functools"}  # whose code has a version
DIGEST = hashlib.sha256
_loaded: dict[Any, Future[Callable[..., Any] | None]] = {}
_one_at_a_time = threading.Lock()  # whether JAX's cache is used is a setting of the process
_compiling = 0  # programs, by so many threads


def folder() -> Path | None:
    """Where they are kept, beside JAX's compilation cache; None if there is none."""
    cache, enabled = (
        getattr(jax.config, f"jax_{name}") for name in ("compilation_cache_dir", "enable_compilation_cache")
    )
    return Path(cache) / "programs" if cache and enabled else None


def forget() -> None:
    """Let go of those that this process has loaded."""
    _loaded.clear()


def find(
    program: Callable[[], Any],
    name: str,
    options: dict[str, Any],
    arguments: Sequence[Any],
    static: Sequence[Any],
    traced: Sequence[Any],
    pool: Executor | None = None,
) -> Callable[..., Any] | None:
    """The program compiled for such `arguments`: from the folder, or compiled and kept there.

    `program` makes that of `jax.jit` with the given `name` and compiler `options`. Of the arguments some are `static`;
    what is returned takes the others, the `traced` ones. None if it cannot be kept. With a `pool` nothing is waited
    for: one of its threads makes it ready for who asks later.
    """
    kept = folder()
    leaves, structure = jax.tree.flatten(tuple(traced))
    kinds = [_kind(leaf) for leaf in leaves]
    if kept is None or None in kinds:
        return None
    settings = tuple(getattr(jax.config, f"jax_{name}") for name in ("enable_x64", "default_matmul_precision"))
    here = (program, tuple(static), structure, tuple(kinds), settings)
    if here not in _loaded or _failed(_loaded[here]):
        described = jax.tree.unflatten(structure, kinds)
        key = _fingerprint((name, sorted(options.items()), tuple(static), described, settings, _surroundings()))
        make = partial(_load_or_compile, None if key is None else kept / key, program, arguments, traced, settings)
        _loaded[here] = _done(make) if pool is None else pool.submit(make)
    return None if pool is not None else _loaded[here].result()


def mark(what: Any, arguments: Sequence[Any]) -> Path | None:
    """A file that stands for the programs of some work on such arguments: it is there once they have been made. None if
    they cannot be kept."""
    kept = folder()
    leaves, structure = jax.tree.flatten(tuple(arguments))
    described = jax.tree.unflatten(structure, [_kind(leaf) for leaf in leaves])
    key = None if kept is None else _fingerprint((what, described, jax.config.read("jax_enable_x64"), _surroundings()))
    return kept / key if kept is not None and key is not None else None


def _failed(future: Future[Any]) -> bool:
    """Whether a thread did not begin with it, or broke off."""
    return future.cancelled() or (future.done() and future.exception() is not None)


def _done(make: Callable[[], Callable[..., Any] | None]) -> Future[Callable[..., Any] | None]:
    """As a thread would leave it."""
    future = Future()
    future.set_result(make())
    return future


def _kind(leaf: Any) -> tuple[Any, ...] | None:
    """What a program depends on of a leaf; None for arrays that are not on the first device alone."""
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return (leaf.shape, str(leaf.dtype), leaf.weak_type)
    if isinstance(leaf, jax.Array):
        alone = leaf.is_fully_addressable and leaf.devices() == {jax.devices()[0]}
        return (leaf.shape, str(leaf.dtype), leaf.weak_type) if alone else None
    if isinstance(leaf, np.ndarray | np.generic):
        return (leaf.shape, str(leaf.dtype))
    return (type(leaf).__name__,) if isinstance(leaf, bool | int | float | complex) else None


class _ByValue(pickle.Pickler):
    """Refuses code whose version is not known."""

    def reducer_override(self, value: Any) -> Any:
        module = getattr(value, "__module__", None)
        if isinstance(module, str) and hasattr(value, "__qualname__") and module.split(".")[0] not in OURS:
            raise pickle.PicklingError(f"{value!r} is code of a user")
        return NotImplemented


def _fingerprint(what: Any) -> str | None:
    """A name for it that holds in all processes; None if there is none."""
    text = io.BytesIO()
    pickler = _ByValue(text)
    pickler.fast = True  # by value: objects that are the same count like equal ones
    try:
        pickler.dump(what)
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError):
        return None
    return DIGEST(text.getvalue()).hexdigest()


@functools.cache
def _surroundings() -> tuple[str, ...]:
    """The code of the package, versions, and the machine that programs are for."""
    package = Path(__file__).parent
    code = DIGEST()
    for file in sorted(package.rglob("*.py")):
        code.update(str(file.relative_to(package)).encode() + file.read_bytes())
    device = jax.devices()[0]
    processor = Path("/proc/cpuinfo")
    features = next((line for line in processor.open() if line[:5] == "flags"), "") if processor.exists() else ""
    flags = os.environ.get("XLA_FLAGS", "")
    platform = device.platform, device.device_kind, device.client.platform_version, str(len(jax.devices()))
    return code.hexdigest(), version("jax"), version("jaxlib"), *platform, features, flags


def _load_or_compile(
    path: Path | None,
    program: Callable[[], Any],
    arguments: Sequence[Any],
    traced: Sequence[Any],
    settings: tuple[Any, ...],
) -> Callable[..., Any] | None:
    if path is None:
        return None
    found = _load(path, jax.tree.structure((tuple(traced), {})))
    if found is not None:
        return found
    x64, precision = settings  # which a thread has of its own
    with _without_cache(), jax.enable_x64(x64), jax.default_matmul_precision(precision):
        compiled = program().lower(*arguments).compile()
    _keep(path, compiled)
    return compiled


@contextmanager
def _without_cache():
    """JAX's cache would keep them as well; and what has been read from there cannot be written anew."""
    _use_cache(-1)
    try:
        yield
    finally:
        _use_cache(1)


def _use_cache(change: int) -> None:
    """The first thread that does without it turns it off, the last one on."""
    global _compiling
    with _one_at_a_time:
        _compiling -= change
        enabled = _compiling == 0
        if enabled or (change < 0 and _compiling == 1):
            jax.config.update("jax_enable_compilation_cache", enabled)
            reset_cache()  # it remembers whether it is enabled


def _load(path: Path, structure: Any) -> Callable[..., Any] | None:
    """None for one that is missing or damaged."""
    try:
        digest, body = (data := path.read_bytes())[: DIGEST().digest_size], data[DIGEST().digest_size :]
        if DIGEST(body).digest() != digest:
            return None
        executable, result = pickle.loads(body)
        path.touch()
        return deserialize_and_load(executable, structure, jax.tree.structure(result))
    except Exception:  # whatever a stale or damaged file makes JAX raise: it is written anew
        return None


def _keep(path: Path, compiled: Any) -> None:
    """Write it in one step. What has no place, or what the backend cannot write, is not kept."""
    try:
        executable, _, structure = serialize(compiled)
        body = pickle.dumps((executable, jax.tree.unflatten(structure, range(structure.num_leaves))))
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(DIGEST(body).digest() + body)
        Path(file.name).replace(path)
        _make_room(path.parent)
    except Exception:  # of many kinds, and none of them matters to who waits for the result
        return


def _make_room(kept: Path) -> None:
    """Remove the programs that were used longest ago, as long as there are too many."""
    files = sorted(((file.stat(), file) for file in kept.iterdir()), key=lambda own: own[0].st_mtime)
    total = sum(stat.st_size for stat, _ in files)
    for stat, file in files:
        if total <= MOST_BYTES:
            return
        file.unlink(missing_ok=True)
        total -= stat.st_size
