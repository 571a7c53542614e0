"""The three subproblems, declared: which unknown, and how each term of Eq. (8) enters."""

from typing import Literal, get_args

import jax
import jax.numpy as jnp

from gvd_jax.trees import pytree, replace, static

Planes = tuple[jax.Array, ...]
Role = Literal["quadratic", "dual", "linearised", "pointwise"]


@pytree
class Block:
    """One subproblem.

    `unknown` is the field of `Unknowns` it solves for; `dual` terms are affine in it, and `quadratic` ones are squares
    of what is nearly so: they are linearised around the current value, and the step is not tested. `linearised` terms
    are replaced by a convex model, those that are `pointwise` by one matrix per pixel, for their residual at a pixel
    depends on the unknown there alone. `pixel_axes` are its axes of pixels, (T, H, W), or (T, 2, H, W) where the
    residuals at a pixel belong to one direction of the flow.
    """

    unknown: str = static()
    quadratic: tuple[str, ...] = static(default=())
    dual: tuple[str, ...] = static(default=())
    linearised: tuple[str, ...] = static(default=())
    pointwise: tuple[str, ...] = static(default=())
    pixel_axes: tuple[int, ...] = static(default=(0, 1, 2))

    def to_planes(self, x: jax.Array) -> Planes:
        """The unknown as the solver works on it, one plane per component: short last axes are not vectorised."""
        count = len(self.pixel_axes)
        moved = jnp.moveaxis(x, self.pixel_axes, range(-count, 0))
        return tuple(moved.reshape(-1, *moved.shape[-count:]))

    def from_planes(self, planes: Planes, like: jax.Array) -> jax.Array:
        """The inverse of `to_planes`, of the shape of the unknown `like`."""
        others = [size for axis, size in enumerate(like.shape) if axis not in self.pixel_axes]
        moved = jnp.stack(planes).reshape(*others, *planes[0].shape)
        return jnp.moveaxis(moved, range(-len(self.pixel_axes), 0), self.pixel_axes)

    def with_term(self, name: str, role: Role | None) -> "Block":
        """The block with one more term in a `role`; without a role the block is the same."""
        return self if role is None else replace(self, **{role: (*getattr(self, role), name)})

    def without(self, name: str) -> "Block":
        """The block without the term."""
        return replace(self, **{role: tuple(n for n in getattr(self, role) if n != name) for role in get_args(Role)})

    @property
    def terms(self) -> tuple[str, ...]:
        return self.quadratic + self.linearised + self.pointwise + self.dual


LATENT = Block("latent", quadratic=("data",), dual=("latent_tv", "temporal", "temporal_far"))  # Eqs. (9)-(10)
# Eqs. (11)-(14)
FLOW = Block("flow", linearised=("data", "temporal", "temporal_far"), dual=("flow_tv",), pixel_axes=(0, 2, 3))
DEFOCUS = Block("defocus", linearised=("data",), dual=("defocus_tv",))  # Eqs. (15)-(17)
# Not the paper's: the total variation is reweighted with the rest, so that conjugate gradients alone solve the
# subproblem, and constancy in pixels takes the place of Eq. (5).
CONSTANCY = ("brightness", "structure")
START_FLOW = Block("flow", linearised=("flow_tv",), pointwise=CONSTANCY, pixel_axes=(0, 1, 2, 3))
CONSTANCY_FLOW = Block("flow", linearised=("data", "flow_tv"), pointwise=CONSTANCY, pixel_axes=(0, 1, 2, 3))
REWEIGHTED_DEFOCUS = Block("defocus", linearised=("data", "defocus_tv"))
