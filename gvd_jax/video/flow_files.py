"""Optical flow in Middlebury .flo files."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray

MAGIC = b"PIEH"


def read_flow(path: str | Path) -> HostArray:
    """Read float32 [H, W, 2], pixels, last axis (x, y). Raises `InputError` if the file is no complete .flo file."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a Middlebury .flo file") from error
    width, height = np.frombuffer(data[4:12].ljust(8, b"\0"), "<i4").tolist()
    if data[:4] != MAGIC or width < 1 or height < 1:
        raise InputError(f"{path} is not a Middlebury .flo file; such a file starts with {MAGIC.decode()} and its size")
    size = 12 + 8 * width * height
    if len(data) != size:
        raise InputError(f"{path} is incomplete: {width}x{height} pixels take {size} bytes; copy it anew")
    return np.frombuffer(data, "<f4", offset=12).reshape(height, width, 2).astype(np.float32)


def write_flow(path: str | Path, flow: ArrayLike) -> None:
    """Write flow [H, W, 2], pixels, last axis (x, y); an existing file is overwritten."""
    values = np.asarray(flow, "<f4")
    height, width = values.shape[:2]
    Path(path).write_bytes(MAGIC + np.array([width, height], "<i4").tobytes() + values.tobytes())
