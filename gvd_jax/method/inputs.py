"""What the library accepts: one clear line for everything else."""

from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.model.axes import PIXEL, Held, change_held
from gvd_jax.ops.platform import placed
from gvd_jax.shapes import Array, Float, Flow, Frames, HostArray


def check_frames(frames: Any, fewest: int = 2) -> Frames:
    """Frames [T, H, W, C] as float32 in [0, 1], at least the `fewest`; raises `InputError` otherwise."""
    array = _array(frames, "frames")
    if array.dtype.kind in "OUS":
        raise InputError(f"frames are {type(frames).__name__}, no array of numbers; read_video reads those of a file")
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise InputError(f"frames have shape {array.shape}; they must be [T, H, W, C] with C = 1 (gray) or 3 (RGB)")
    if array.shape[0] < fewest:
        what = "no frame" if not len(array) else "1 frame, which shows no motion"
        raise InputError(f"there is {what}; give at least 2 consecutive frames")
    if 0 in array.shape:
        raise InputError(f"frames have shape {array.shape}: they hold no pixels")
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise InputError(f"frames are {array.dtype}; give floats in [0, 1] (8 bit: divide by 255)")
    finite = np.isfinite(array).reshape(len(array), -1).all(1)
    if not finite.all():
        raise InputError(f"frames hold NaN or infinity (frame {finite.argmin()}); replace those values first")
    if array.min() < -1e-3 or array.max() > 1 + 1e-3:
        raise InputError(f"frames span [{array.min():.3g}, {array.max():.3g}]; scale them to [0, 1]")
    return placed(np.clip(array, 0, 1), np.float32)


def check_duty_cycle(duty_cycle: Any, frames: int) -> Float[Array, "T"] | Literal["auto", "per-frame"]:
    """tau of every frame, or how it is to be found; raises `InputError` outside [0, 0.5]."""
    if isinstance(duty_cycle, str):
        if duty_cycle != "auto" and duty_cycle != "per-frame":
            raise InputError(f"duty cycle {duty_cycle!r} is not a number, auto or per-frame")
        return duty_cycle
    tau = _array(duty_cycle, "duty cycles")
    if not jnp.issubdtype(tau.dtype, jnp.floating) and not jnp.issubdtype(tau.dtype, jnp.integer):
        what = type(duty_cycle).__name__ if tau.dtype.kind == "O" else str(tau.dtype)
        raise InputError(f"the duty cycle is {what}; give a number in [0, 0.5], one per frame, or auto")
    if tau.shape not in ((), (frames,)):
        raise InputError(f"duty cycles of shape {tau.shape} for {frames} frames; give one, or one per frame")
    tau = tau.astype(np.float64)
    if not ((tau >= 0) & (tau <= 0.5)).all():
        worst = tau.ravel()[np.argmax(np.abs(tau.ravel() - 0.25))]
        raise InputError(f"duty cycle {worst:g} is outside [0, 0.5]; it is exposure / (2 frame interval), at most 0.5")
    return placed(np.broadcast_to(tau, (frames,)), np.float32)


def check_traceable(frames: Any, duty_cycle: Any) -> None:
    """Raises `InputError` for what no program is for: a duty cycle that is to be found, and not one clip."""
    if isinstance(duty_cycle, str):
        raise InputError(f"deblur_pure finds nothing out beforehand; give a duty cycle in the place of {duty_cycle!r}")
    if jnp.ndim(frames) != 4:
        raise InputError(f"frames have shape {jnp.shape(frames)}; they must be [T, H, W, C], and jax.vmap maps clips")


def check_flow(flow: Any, shape: tuple[int, ...]) -> Flow:
    """A flow for frames of that shape [T, H, W, C]; raises `InputError` otherwise."""
    array = _array(flow, "flow")
    check_flow_shape(array.shape, shape)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise InputError(f"the flow is {array.dtype}; give floats, pixels per frame interval")
    known = array[:-1, 0], array[1:, 1]  # no neighbour shows the motion before the first and after the last frame
    if not all(np.isfinite(part).all() for part in known):
        raise InputError("the flow holds NaN or infinity; replace those values first")
    return placed(np.nan_to_num(array), np.float32)


def check_flow_shape(flow: tuple[int, ...], frames: tuple[int, ...]) -> None:
    """Raises `InputError` unless a flow of that shape is one for frames of that shape [T, H, W, C]."""
    expected = (frames[0], 2, *frames[1:3], 2)
    if flow != expected:
        raise InputError(f"the flow has shape {flow}; for these frames it must be [T, 2, H, W, 2] = {expected}")


def check_held(settings: Any, shape: tuple[int, int, int]) -> None:
    """Raises `InputError` unless all that the settings hold per frame, row and column has those of a clip (T, H, W)."""
    sizes: dict[str, int] = dict(zip(PIXEL, shape, strict=True))

    def check(how: Held, x: Any) -> Any:
        kind = getattr(x, "dtype", type(x))
        if not jnp.issubdtype(kind, jnp.floating):
            raise InputError(f"what is declared by held({how.axes!r}) must be an array of floats, not {kind}")
        axes = how.axes.split()
        fits = len(axes) == np.ndim(x) and all(
            sizes.get(axis, n) == n for axis, n in zip(axes, np.shape(x), strict=True)
        )
        if not fits:
            expected = " ".join(str(sizes.get(axis, axis)) for axis in axes)
            raise InputError(
                f"an array declared by held({how.axes!r}) has shape {np.shape(x)}, for this clip: {expected}"
            )
        return x

    change_held(settings, check)


def _array(values: Any, name: str) -> HostArray:
    """As NumPy has them."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # lists of several lengths
        raise InputError(f"{name} are no array: {error}; give numbers in rows of one length") from error
    if np.ma.is_masked(values):
        raise InputError(f"{name} are masked in part; fill what is masked first")
    return array
