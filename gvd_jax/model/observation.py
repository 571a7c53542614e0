"""What the energy holds fixed while the unknowns change."""

from typing import Any

import jax.numpy as jnp

from gvd_jax.errors import InputError
from gvd_jax.model.blur import Blur
from gvd_jax.ops.transfer import NONE, Transfer
from gvd_jax.ops.warp import NEIGHBOURS, neighbour_exists, one_shot
from gvd_jax.shapes import Array, Continues, DutyCycle, EdgeMap, Float, Frames, Scalar, Visibility
from gvd_jax.trees import held, pytree


@pytree
class Observation:
    """Blurry frames in display values, and what is known of the camera and the scene.

    `duty_cycle` tau of every frame; `transfer` the camera curve from display values to the light that adds up (the
    paper has none); `blur` the model of the blur; `edge_map` zeta of Eq. (7); `visibility` in [0, 1] says how far each
    of the N = 4 neighbours n = 1, -1, 2, -2 is believed to show the pixel: it scales Eq. (5). `confidence` in [0, 1]
    says how far the blur model is to be trusted at a pixel: it scales the data term. Both are 0 where arrays are larger
    than the frames. `continues` is 1 where the next frame goes on with the scene, 0 before a cut and at the end.
    """

    blurry: Frames = held("T H W C")
    duty_cycle: DutyCycle = held("T")
    transfer: Transfer
    blur: Blur
    edge_map: EdgeMap = held("T H W")
    visibility: Visibility = held("T N H W")
    confidence: Float[Array, "T H W"] = held("T H W")
    continues: Continues = held("T")


def observe(
    blurry: Frames,
    duty_cycle: DutyCycle | Scalar | float,
    blur: Any = None,
    transfer: Transfer = NONE,
    continues: Continues | None = None,
) -> Observation:
    """An observation with an edge map of ones, every existing neighbour visible and full confidence.

    `blurry` [T, H, W, C] display values; `duty_cycle` tau, a number or [T]; `blur` a `Blur`, by default motion along
    quadratic paths after a Gaussian defocus; `continues` [T] is 0 before a cut, by default there is none. Raises
    `InputError` for frames that are no floats of 32 or 64 bits: paths and steps are lost in half precision.
    """
    if blurry.ndim != 4 or blurry.dtype not in (jnp.float32, jnp.float64):
        raise InputError(
            f"frames are {blurry.dtype} of shape {blurry.shape}; give float32 in [0, 1] (or float64), [T, H, W, C]"
        )
    frames, height, width, _ = blurry.shape
    continues = one_shot(frames, blurry.dtype) if continues is None else continues
    exists = neighbour_exists(continues, NEIGHBOURS).astype(blurry.dtype)[:, :, None, None]
    visibility = jnp.broadcast_to(exists, (frames, len(NEIGHBOURS), height, width))
    ones = jnp.ones((frames, height, width), blurry.dtype)
    duty_cycle = jnp.broadcast_to(jnp.asarray(duty_cycle, blurry.dtype), (frames,))
    blur = Blur() if blur is None else blur
    return Observation(blurry, duty_cycle, transfer, blur, ones, visibility, ones, continues)
