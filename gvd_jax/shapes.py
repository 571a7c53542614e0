"""Array shapes, by name. T frames of H x W pixels and C channels."""

from typing import Any

from jaxtyping import Array, Bool, Float, Int
from numpy.typing import NDArray

Scalar = Float[Array, ""]
Number = Scalar | float  # traced, or about to be
Frames = Float[Array, "T H W C"]  # intensities in [0, 1]
Flow = Float[Array, "T 2 H W 2"]  # [:, 0] is i -> i+1, [:, 1] is i -> i-1; last axis (x, y), pixels per frame interval
DefocusMap = Float[Array, "T H W"]  # standard deviation of the Gaussian, pixels of this level
DutyCycle = Float[Array, "T"]  # exposure / (2 * frame interval), 0 < tau <= 0.5
Continues = Float[Array, "T"]  # 1 where the next frame goes on with the scene, 0 before a cut and at the end
EdgeMap = Float[Array, "T H W"]
Visibility = Float[Array, "T N H W"]  # 1 where neighbour i + n sees the pixel, else 0; n as in ops.warp.NEIGHBOURS

HostArray = NDArray[Any]
__all__ = [
    "Array",
    "Bool",
    "Continues",
    "DefocusMap",
    "DutyCycle",
    "EdgeMap",
    "Float",
    "Flow",
    "Frames",
    "HostArray",
    "Int",
    "Number",
    "Scalar",
    "Visibility",
]
