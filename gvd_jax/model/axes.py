"""Arrays that belong to a clip, by the names of their axes: "T H W" is a number per pixel, "T" one per frame.

T frames of H rows and W columns; every other name, and every number, is an axis of components. What is declared so can
be made for a clip of any size, resized to a level, and cut to a window or tile of a long clip.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from gvd_jax.ops.resize import resize_axis
from gvd_jax.shapes import Array

Tree = TypeVar("Tree")
Change = Callable[[Array, str], Array]
PIXEL = ("T", "H", "W")


@dataclasses.dataclass(frozen=True)
class Window:
    """A part of a clip: which frames, rows and columns."""

    frames: slice
    rows: slice
    columns: slice


def shape_of(axes: str, frames: int, height: int, width: int) -> tuple[int, ...]:
    """The shape of an array with these `axes` of a gray clip; a named axis of components has one."""
    sizes = {"T": frames, "H": height, "W": width}
    return tuple(int(axis) if axis.isdecimal() else sizes.get(axis, 1) for axis in axes.split())


def pixel_axes(axes: str) -> tuple[int, ...]:
    """Which of the axes are frames, rows and columns."""
    return tuple(k for k, axis in enumerate(axes.split()) if axis in PIXEL)


def resized(x: Array, axes: str, height: int, width: int) -> Array:
    """`x` on a level of that size: rows and columns by bilinear resampling; values stay as they are."""
    for k, axis in enumerate(axes.split()):
        if axis in ("H", "W"):
            x = resize_axis(x, k, height if axis == "H" else width)
    return x


def cut(x: Array, axes: str, window: Window) -> Array:
    """The part of `x` that lies in the window."""
    parts = {"T": window.frames, "H": window.rows, "W": window.columns}
    return x[tuple(parts.get(axis, slice(None)) for axis in axes.split())]


def padded(x: Array, axes: str, height: int, width: int) -> Array:
    """`x` at the upper left of an array of that many rows and columns; its last ones are repeated."""
    sizes = {"H": height, "W": width}
    margin = [(0, sizes.get(axis, size) - size) for axis, size in zip(axes.split(), x.shape, strict=True)]
    return jnp.pad(x, margin, mode="edge")


def change_held(tree: Tree, change: Change) -> Tree:
    """The tree with every array that is declared by `held` replaced by change(array, axes), in all its dataclasses."""

    def inside(node: Any) -> Any:
        if not dataclasses.is_dataclass(node) or isinstance(node, type):
            return node
        new = {}
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            axes = field.metadata.get("axes")
            known = axes is not None and value is not None
            new[field.name] = change(value, axes) if known else change_held(value, change)
        return dataclasses.replace(node, **new) if any(new[k] is not getattr(node, k) for k in new) else node

    def is_node(node: Any) -> bool:
        return dataclasses.is_dataclass(node)

    if is_node(tree):
        return inside(tree)
    leaves, structure = jax.tree.flatten(tree, is_leaf=is_node)
    if not any(is_node(leaf) for leaf in leaves):
        return tree
    return jax.tree.unflatten(structure, [inside(leaf) for leaf in leaves])
