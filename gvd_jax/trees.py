"""Frozen dataclass pytrees: everything that flows through the library is one of these."""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, dataclass_transform

import jax
import jax.numpy as jnp

T = TypeVar("T")


def static(*, default: Any = dataclasses.MISSING) -> Any:
    """Declare a field that sets a shape, a loop length or a piece of code: part of the compiled program, not traced."""
    return dataclasses.field(default=default, metadata={"static": True})


def code(*, default: Any = dataclasses.MISSING) -> Any:
    """Declare a field that is a function, which is part of the program, or a pytree, whose arrays are traced."""
    return dataclasses.field(default=default, metadata={"code": True})


def held(axes: str, *, to_level: Callable[..., Any] | None = None, default: Any = dataclasses.MISSING) -> Any:
    """Declare a traced array that is known per pixel, frame or row of a clip, by the names of its axes.

    "T H W" is a number per pixel and "T" one per frame: the array is cut to windows and tiles of a long clip and
    resized to coarser levels along with it. Other axes are kept: "T 2 H W 2" is a flow. Values stay as they are,
    unless `to_level(x, axes, height, width)` says otherwise, as that of `FLOW` for pixels of motion.
    """
    return dataclasses.field(default=default, metadata={"axes": axes, "to_level": to_level})


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, static, code, held))
def pytree(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass whose fields are traced, save those declared with `static`, and functions."""
    cls = dataclasses.dataclass(frozen=True)(cls)
    fields = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
    meta = [f.name for f in fields if f.metadata.get("static", False)]
    data = [f.name for f in fields if f.name not in meta]
    either = [f.name for f in fields if f.metadata.get("code", False)]
    if not either:
        return jax.tree_util.register_dataclass(cls, data_fields=data, meta_fields=meta)

    def flatten(tree: Any) -> tuple[Any, Any]:
        functions = frozenset(name for name in either if _is_function(getattr(tree, name)))
        children = [(jax.tree_util.GetAttrKey(n), None if n in functions else getattr(tree, n)) for n in data]
        return children, (functions, *(getattr(tree, name) for name in (*meta, *sorted(functions))))

    def unflatten(program: Any, children: Any) -> Any:
        functions, *rest = program
        return cls(**dict(zip(data, children, strict=True)) | dict(zip((*meta, *sorted(functions)), rest, strict=True)))

    jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)
    return cls


def _is_function(value: Any) -> bool:
    return callable(value) and jax.tree_util.all_leaves((value,))


def replace(tree: T, **changes: Any) -> T:
    """Return a copy of the pytree `tree` with the named fields changed."""
    if hasattr(tree, "__replace__"):
        return tree.__replace__(**changes)  # pyright: ignore[reportAttributeAccessIssue]
    return dataclasses.replace(tree, **changes)  # pyright: ignore[reportArgumentType, reportCallIssue]


def tree_add(x: T, y: T, factor: Any = 1) -> T:
    """x + `factor` y for two pytrees of arrays of the same structure."""
    return jax.tree.map(lambda a, b: a + factor * b, x, y)


def tree_sum(trees: Iterable[T], start: T) -> T:
    """`start` and all `trees`, pytrees of arrays of one structure, added."""
    return functools.reduce(tree_add, trees, start)


def tree_dot(x: Any, y: Any) -> jax.Array:
    """Inner product of two pytrees of arrays of the same structure."""
    return sum(jax.tree.leaves(jax.tree.map(lambda a, b: (a * b).sum(), x, y)))  # pyright: ignore[reportReturnType]


def sum_behind(x: jax.Array, kept: int) -> jax.Array:
    """Sum over all axes behind the first `kept` ones.

    A product with ones: XLA compiles a sum together with what is summed, on a CPU into code that is not vectorised.
    """
    flat = x.reshape(*x.shape[:kept], -1)
    return jnp.matmul(flat, jnp.ones(flat.shape[-1], x.dtype), precision=jax.lax.Precision.HIGHEST)
