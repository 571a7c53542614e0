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
from gvd_jax.shapes import Array, HostArray

Tree = TypeVar("Tree")
PIXEL: tuple[str, ...] = ("T", "H", "W")


@dataclasses.dataclass(frozen=True)
class Part:
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


def cut(x: Array, axes: str, part: Part) -> Array:
    """What of `x` lies in that part of its clip."""
    places = {"T": part.frames, "H": part.rows, "W": part.columns}
    return x[tuple(places.get(axis, slice(None)) for axis in axes.split())]


def padded(x: Array, axes: str, height: int, width: int) -> Array:
    """`x` at the upper left of an array of that many rows and columns; its last ones are repeated."""
    sizes = {"H": height, "W": width}
    margin = [(0, sizes.get(axis, size) - size) for axis, size in zip(axes.split(), x.shape, strict=True)]
    return jnp.pad(x, margin, mode="edge")


@dataclasses.dataclass(frozen=True)
class Held:
    """How an array is declared by `held`."""

    axes: str
    to_level: Callable[[Array, str, int, int], Array] | None

    def on_level(self, x: Array, height: int, width: int) -> Array:
        """The array on a level of that size."""
        return (self.to_level or resized)(x, self.axes, height, width)

    def within(self, x: Array, part: Part) -> Array:
        """What of it lies in that part of the clip."""
        return cut(x, self.axes, part)

    def of_frames(self, x: Array, numbers: HostArray) -> Array:
        """What of it belongs to the frames with those numbers."""
        return x[numbers] if self.axes.split()[:1] == ["T"] else x

    def padded(self, x: Array, height: int, width: int) -> Array:
        """The array at the upper left of a larger one."""
        return padded(x, self.axes, height, width)


def change_held(tree: Tree, change: Callable[[Held, Array], Array]) -> Tree:
    """The tree with every array that is declared by `held` replaced by change(how, array), in all its dataclasses."""
    if _is_node(tree):
        return _change_fields(tree, change)
    leaves, structure = jax.tree.flatten(tree, is_leaf=_is_node)
    if not any(map(_is_node, leaves)):
        return tree
    return jax.tree.unflatten(structure, [_change_fields(x, change) if _is_node(x) else x for x in leaves])


def _change_fields(node: Any, change: Callable[[Held, Array], Array]) -> Any:
    new = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if "axes" in field.metadata and value is not None:
            new[field.name] = change(Held(**field.metadata), value)
        else:
            new[field.name] = change_held(value, change)
    return dataclasses.replace(node, **new) if any(new[k] is not getattr(node, k) for k in new) else node


def within(tree: Tree, part: Part) -> Tree:
    """Settings for a part of a clip: what terms, operators and stages hold per pixel or frame is cut to it."""
    return change_held(tree, lambda how, x: how.within(x, part))


def _is_node(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)
