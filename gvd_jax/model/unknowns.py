"""What is solved for. An unknown is declared once: name, axes, start, bounds, how it goes to another level."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.errors import InputError
from gvd_jax.model.axes import pixel_axes, resized, shape_of
from gvd_jax.ops.gaussian_defocus import SCALES
from gvd_jax.ops.resize import resize_defocus, resize_flow, resize_frames
from gvd_jax.shapes import Array, Frames, Number
from gvd_jax.trees import code, pytree, static

Planes = tuple[jax.Array, ...]


class MissingUnknown(InputError, AttributeError):
    """An unknown was asked for that these settings do not have."""


@jax.tree_util.register_pytree_with_keys_class
class Unknowns:
    """The values of a set of unknowns, a pytree: `unknowns.latent` and `unknowns["latent"]` are the latent frames.

    The method's own are `latent` [T, H, W, C], display values in [0, 1]; `flow` [T, 2, H, W, 2] and `defocus`
    [T, H, W], in pixels of the level; `shake` [T, 2, 3], as of `affine_field`; `duty_cycle` [T], if it was not given.
    `replace(unknowns, flow=...)` changes one, or adds it. Raises `InputError` for an unknown that is not there.
    """

    _values: dict[str, Any]

    def __init__(self, **values: Any):
        self.__dict__["_values"] = dict(sorted(values.items()))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise MissingUnknown(f"there is no unknown {name!r} here, only {', '.join(self._values) or 'none'}")
        return self._values[name]

    __getitem__ = __getattr__

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("unknowns do not change: replace(unknowns, ...) makes new ones")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __replace__(self, **changes: Any) -> "Unknowns":
        return Unknowns(**self._values | changes)

    def __repr__(self) -> str:
        return f"Unknowns({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"

    def tree_flatten_with_keys(self) -> tuple[Any, Any]:
        keys = tuple(self._values)
        return [(jax.tree_util.GetAttrKey(name), self._values[name]) for name in keys], keys

    @classmethod
    def tree_unflatten(cls, keys: Any, values: Any) -> "Unknowns":
        return cls(**dict(zip(keys, values, strict=True)))


def _same(x: Array, axes: str, height: int, width: int) -> Array:
    return resized(x, axes, height, width)


@pytree
class Unknown:
    """The declaration of one unknown.

    `axes` names those of its array: "T H W" is one number per pixel, "T" one per frame, "T H" one per row of every
    frame, "" one for the clip; further axes are components, named or counted ("T 2"). `start` is a number, a function
    of the gray blurry frames [T, H, W, 1] on the coarsest level, or None where a stage gives the first value.
    `to_level(x, axes, height, width)` brings it to another level; by default rows and columns are resampled and values
    stay. `lower` and `upper` bound it.
    """

    name: str = static()
    axes: str = static()
    start: Any = code(default=None)
    lower: Number = -jnp.inf
    upper: Number = jnp.inf
    to_level: Callable[[Array, str, int, int], Array] = static(default=_same)

    def __post_init__(self) -> None:
        """Raises `InputError` for axes that are none, bounds that leave nothing, and a start beyond them."""
        odd = [axis for axis in self.axes.split() if axis not in ("T", "H", "W", "C") and not axis.isdecimal()]
        if odd:
            raise InputError(
                f"the unknown {self.name!r} has an axis {odd[0]!r}: choose of T, H, W, C and numbers of components"
            )
        numbers = [x for x in (self.lower, self.start, self.upper) if isinstance(x, int | float)]
        if any(a > b for a, b in pairwise(numbers)):
            raise InputError(
                f"the unknown {self.name!r} starts at {self.start!r} between {self.lower} and {self.upper}: "
                "give bounds in order, and a start between them"
            )

    def first(self, gray: Frames) -> Array:
        """Its start, for those frames."""
        value = jnp.asarray(self.start(gray) if callable(self.start) else self.start, gray.dtype)
        return jnp.broadcast_to(value, shape_of(self.axes, *gray.shape[:3]))

    @property
    def per_frame(self) -> bool:
        """Whether every frame has its own."""
        return self.axes.split()[:1] == ["T"]

    @property
    def plane_axes(self) -> int:
        """How many of the leading axes make up a plane: those up to the last one of frames, rows and columns."""
        return max((k + 1 for k in pixel_axes(self.axes)), default=0)

    def to_planes(self, x: Array) -> Planes:
        """As a solver works on it, one plane per component: short last axes are not vectorised."""
        count = self.plane_axes
        moved = jnp.moveaxis(x, range(count), range(-count, 0)) if count else x
        return tuple(moved.reshape(-1, *x.shape[:count]))

    def from_planes(self, planes: Planes, like: Array) -> Array:
        """The inverse of `to_planes`, of the shape of `like`."""
        count = self.plane_axes
        stacked = jnp.stack(planes).reshape(*like.shape[count:], *like.shape[:count])
        return jnp.moveaxis(stacked, range(-count, 0), range(count)) if count else stacked


def _blurry(gray: Frames) -> Frames:
    return gray


def _frames_to_level(x: Array, axes: str, height: int, width: int) -> Array:
    return resize_frames(x, height, width)


def _flow_to_level(x: Array, axes: str, height: int, width: int) -> Array:
    return resize_flow(x, height, width)


def _defocus_to_level(x: Array, axes: str, height: int, width: int) -> Array:
    return resize_defocus(x, height, width)


BRIGHTEST = 2.0  # display value: what a sensor has clipped was brighter than 1
LATENT = Unknown("latent", "T H W C", _blurry, 0.0, BRIGHTEST, _frames_to_level)
FLOW = Unknown("flow", "T 2 H W 2", to_level=_flow_to_level)
# The camera's own velocity in the middle of each exposure, beyond what the flow to the neighbours says.
SHAKE = Unknown("shake", "T 2 3", 0.0)
DUTY_CYCLE = Unknown("duty_cycle", "T", upper=0.5)
DEFOCUS = Unknown("defocus", "T H W", None, 0.0, SCALES[-1], _defocus_to_level)
