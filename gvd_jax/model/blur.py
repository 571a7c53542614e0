"""The blur model B = K G L of Eqs. (2)-(4), a composition of operators: defocus first, motion second, in linear light.

An operator is a pytree that is called with (image, unknowns, observation) and linear in the image [T, H, W, C]; its
adjoint is that of JAX. Its numbers are traced. A blur of your own is one such class.
"""

import math
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp

from gvd_jax.ops.affine_field import affine_field
from gvd_jax.ops.disc_defocus import RADII, disc_defocus
from gvd_jax.ops.exposure import Path, quadratic_path
from gvd_jax.ops.gaussian_defocus import SCALES, gaussian_defocus
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.shapes import Flow, Frames
from gvd_jax.trees import pytree, replace, static


@runtime_checkable
class BlurOperator(Protocol):
    """One factor of the blur model, a pytree."""

    def __call__(self, image: Frames, unknowns: Any, observation: Any) -> Frames:
        """The blurred image, in linear light."""
        ...


def flow_within_exposure(unknowns: Any) -> Flow:
    """The flow, and the velocity of the shake in the middle of each exposure where that is an unknown."""
    if "shake" not in unknowns:
        return unknowns.flow
    velocity = affine_field(unknowns.shake, *unknowns.flow.shape[2:4])
    return unknowns.flow + jnp.stack([velocity, -velocity], 1)


@pytree
class MotionBlur:
    """K of Eqs. (3)-(4): every pixel averages the image along its own path through the exposure.

    `path` is how a pixel moves between its two flows, `samples` the reads per side of the exposure at full size: one
    per 1.8 pixels of the longest tau |u| suffices, and `deblur` sees to it. The duty cycle is an unknown of that name
    where there is one, else that of the observation. Where the shake is an unknown, the velocity in the middle of the
    exposure is that of the flow and the shake's.
    """

    path: Path = static(default=quadratic_path)
    samples: int = static(default=12)

    def __call__(self, image: Frames, unknowns: Any, observation: Any) -> Frames:
        known = "duty_cycle" in unknowns
        duty_cycle = unknowns.duty_cycle if known else observation.duty_cycle
        return motion_blur(self.path, self.samples, image, flow_within_exposure(unknowns), duty_cycle)

    def at_level(self, scale: float) -> "MotionBlur":
        """With as many reads as the shorter paths of a level need, whose size is that part of the whole."""
        return replace(self, samples=max(2, math.ceil(self.samples * scale - 1e-6)))


@pytree
class GaussianDefocus:
    """G of Eq. (4): a Gaussian of standard deviation `unknowns.defocus`, blended from those of the `scales` [px].

    Without a defocus among the unknowns everything is in focus, and the operator is not there.
    """

    scales: tuple[float, ...] = static(default=SCALES)

    def __call__(self, image: Frames, unknowns: Any, observation: Any) -> Frames:
        return gaussian_defocus(self.scales, image, unknowns.defocus) if "defocus" in unknowns else image


@pytree
class DiscDefocus:
    """G as a disc, the image of a point through a round aperture, of standard deviation `unknowns.defocus`."""

    radii: tuple[float, ...] = static(default=RADII)

    def __call__(self, image: Frames, unknowns: Any, observation: Any) -> Frames:
        return disc_defocus(self.radii, image, unknowns.defocus) if "defocus" in unknowns else image


@pytree
class Blur:
    """Operators as their product reads, `Blur((MotionBlur(), GaussianDefocus()))` for K G: the last comes first."""

    operators: tuple[BlurOperator, ...] = (MotionBlur(), GaussianDefocus())

    def __call__(self, image: Frames, unknowns: Any, observation: Any) -> Frames:
        """The blurred image, in linear light."""
        for operator in reversed(self.operators):
            image = operator(image, unknowns, observation)
        return image

    def at_level(self, scale: float) -> "Blur":
        """The same blur on a level whose size is that part of the whole."""
        change = (op.at_level(scale) if hasattr(op, "at_level") else op for op in self.operators)  # pyright: ignore[reportAttributeAccessIssue]
        return Blur(tuple(change))

    def with_samples(self, samples: int) -> "Blur":
        """The same blur with so many reads per side of the exposure."""
        return Blur(tuple(replace(op, samples=samples) if isinstance(op, MotionBlur) else op for op in self.operators))

    @property
    def motion(self) -> MotionBlur:
        """Its motion blur; one that does nothing where there is none."""
        return next((op for op in self.operators if isinstance(op, MotionBlur)), MotionBlur(samples=0))
