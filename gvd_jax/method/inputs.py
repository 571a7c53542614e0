"""What the library accepts: one clear line for everything else."""

from collections.abc import Sequence
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.shapes import Array, Float, Frames


def check_frames(frames: Any) -> Frames:
    """Frames [T, H, W, C] as float32 in [0, 1]; raises `InputError` otherwise."""
    array = np.asarray(frames)
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise InputError(f"frames have shape {array.shape}; they must be [T, H, W, C] with C = 1 (gray) or 3 (RGB)")
    if array.shape[0] < 2:
        raise InputError(f"{array.shape[0]} frame shows no motion; give at least 2 consecutive frames")
    if 0 in array.shape:
        raise InputError(f"frames have shape {array.shape}: they hold no pixels")
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"frames are {array.dtype}; give floats in [0, 1] (8 bit: divide by 255)")
    if not np.isfinite(array).all():
        bad = sorted(set(np.argwhere(~np.isfinite(array))[:, 0].tolist()))
        raise InputError(f"frames hold NaN or infinity (frame {bad[0]}); replace those values first")
    if array.min() < -1e-3 or array.max() > 1 + 1e-3:
        raise InputError(f"frames span [{array.min():.3g}, {array.max():.3g}]; scale them to [0, 1]")
    return jnp.asarray(np.clip(array, 0, 1), jnp.float32)


def check_duty_cycle(
    duty_cycle: float | Sequence[float] | str, frames: int
) -> Float[Array, "T"] | Literal["auto", "per-frame"]:
    """tau of every frame, or how it is to be found; raises `InputError` outside (0, 0.5]."""
    if isinstance(duty_cycle, str):
        if duty_cycle != "auto" and duty_cycle != "per-frame":
            raise InputError(f"duty cycle {duty_cycle!r} is not a number, auto or per-frame")
        return duty_cycle
    tau = np.asarray(duty_cycle, np.float64)
    if tau.shape not in ((), (frames,)):
        raise InputError(f"{tau.size} duty cycles for {frames} frames; give one, or one per frame")
    if not ((tau > 0) & (tau <= 0.5)).all():
        worst = tau.ravel()[np.argmax(np.abs(tau.ravel() - 0.25))]
        raise InputError(f"duty cycle {worst:g} is outside (0, 0.5]; it is exposure / (2 frame interval), at most 0.5")
    return jnp.broadcast_to(jnp.asarray(tau, jnp.float32), (frames,))
