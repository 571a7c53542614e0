"""What options mean. Importing this loads no JAX, for --help does."""

import math
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from gvd_jax.errors import InputError

Preset = Annotated[
    Literal["default", "learned", "fast", "paper", "gvd2015"],
    arg(metavar="NAME", help="default, learned (noisy footage), fast, paper or gvd2015"),
]
In = Annotated[Path, Positional, arg(metavar="IN")]
Out = Annotated[Path, Positional, arg(metavar="OUT")]
Folder = Annotated[Path | None, arg(metavar="DIR", help_behavior_hint="")]
Frames = Annotated[str | None, arg(metavar="A:B", help_behavior_hint="")]
Overwrite = Annotated[bool, arg(help_behavior_hint="")]
MaxMemory = Annotated[float | None, arg(metavar="GB", help_behavior_hint="(default: most of what is free)")]


def parse_duty_cycle(duty_cycle: str | None, shutter_angle: str | None) -> float | Literal["auto"] | None:
    """tau in [0, 0.5] from either option, or "auto"; None if neither is given."""
    if duty_cycle is not None and shutter_angle is not None:
        raise InputError("--duty-cycle and --shutter-angle say the same thing; give one of them")
    if shutter_angle is not None:
        from gvd_jax.video.shutter import FULL_CIRCLE

        angle = number(shutter_angle)
        if not 0 <= angle <= 360:
            raise InputError(f"--shutter-angle {shutter_angle} is outside [0, 360]; 360 is a shutter that never closes")
        return angle / FULL_CIRCLE
    if duty_cycle is None:
        return None
    if duty_cycle == "auto":
        return "auto"
    tau = number(duty_cycle)
    if not 0 <= tau <= 0.5:
        raise InputError(
            f"--duty-cycle {duty_cycle} is neither auto nor a number in [0, 0.5]; 0.5 is a shutter that never closes"
        )
    return tau


def parse_transfer(text: str) -> str | float:
    """The name of a camera curve, or its gamma in [1, 4]."""
    gamma = number(text)
    if math.isnan(gamma):  # a name, which the settings know or not
        return text
    if not 1 <= gamma <= 4:
        raise InputError(f"--transfer {text} is no gamma of a camera; give 1 (none) to 4, or auto")
    return gamma


def parse_frames(text: str | None) -> slice | None:
    """A:B, either end optional, as a slice."""
    if text is None:
        return None
    first, colon, last = text.partition(":")
    if not colon or not all(end == "" or _is_count(end) for end in (first, last)):
        raise InputError(f"--frames {text} is not A:B; 0:9 takes the first nine frames, 9: the rest")
    return slice(int(first or 0), int(last) if last else None)


def parse_crop(text: str | None) -> tuple[slice, slice] | None:
    """Y,X,H,W in pixels as the rows and the columns to keep."""
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(_is_count(part.strip()) for part in parts):
        raise InputError(f"--crop {text} is not Y,X,H,W; 0,0,240,320 keeps the top left 320x240 pixels")
    top, left, height, width = map(int, parts)
    if not height or not width:
        raise InputError(f"--crop {text} keeps no pixel; 0,0,240,320 keeps the top left 320x240 pixels")
    return slice(top, top + height), slice(left, left + width)


def check_memory(gigabytes: float | None) -> None:
    """`InputError` for an amount of memory that is none."""
    if gigabytes is not None and not 0 < gigabytes < math.inf:
        raise InputError(f"--max-memory {gigabytes:g} is no amount of memory; give GB, for instance 8")


def _is_count(text: str) -> bool:
    """Whether it is a number of frames or pixels that any clip could have."""
    return text.isdecimal() and len(text) < 19


def number(text: str) -> float:
    """A number, NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
