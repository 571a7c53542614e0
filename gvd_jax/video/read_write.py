"""Clips in and out as a whole: a video file, or a folder of images."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray
from gvd_jax.video.places import VIDEO_SUFFIXES, beside, check_free, check_output, real, remove
from gvd_jax.video.sink import join_parts, open_target, write_part
from gvd_jax.video.source import IMAGE_SUFFIXES, Source, open_source, read_frames
from gvd_jax.video.survey import DEFAULT_FPS, FASTEST, LONGEST

__all__ = ["IMAGE_SUFFIXES", "VIDEO_SUFFIXES", "Clip", "check_free", "check_output", "read_video", "write_video"]


@dataclass(frozen=True)
class Clip:
    """Consecutive frames. Frames are float32 [T, H, W, C], display values in [0, 1], C = 1 or 3."""

    frames: HostArray
    fps: float | None = None  # frames per second; None for a folder
    bit_depth: int = 8  # of the source: 8, or 16 for whatever holds more than 8
    names: tuple[str, ...] = ()  # file names, if the clip is a folder


def read_video(path: str | Path, frames: slice | None = None) -> Clip:
    """Read every frame of a video file, or of a folder of PNG, JPEG and TIFF images in their natural order.

    `frames`, a slice without a step and counted from the start, reads only a part. Alpha is dropped, gray is one
    channel unless other images of the folder have colour, a rotated recording is turned upright.
    Raises `InputError` as `open_source` does.
    """
    return read_source(open_source(path, frames))


def read_source(source: Source) -> Clip:
    """Every frame of a source, which may be cropped."""
    values = np.empty((source.count, source.height, source.width, source.channels), np.float32)
    for k, frame in enumerate(read_frames(source)):
        values[k] = frame
    return Clip(values, source.fps, source.bit_depth, source.names)


def write_video(
    path: str | Path,
    frames: ArrayLike,
    fps: float | None = None,
    overwrite: bool = False,
    bit_depth: int = 8,
    names: tuple[str, ...] = (),
) -> None:
    """Write frames [T, H, W, C] in [0, 1], C = 1 or 3, as a video, or as a folder if `path` has no suffix.

    A file that ends in .mp4, .m4v, .mov or .mkv is H.264, .webm is VP9. It has `fps` frames per second (30 if unknown)
    and even sizes: an odd last row or column is repeated. A folder gets one PNG per frame with `bit_depth` 8 or 16,
    named after `names` or else 00000.png, 00001.png, ...
    The output appears under its name when it is complete. Raises `InputError` as `check_output` does, and for frames
    or a rate that are no numbers.
    """
    path, values = Path(path), _array(frames)
    if values.ndim != 4 or values.shape[-1] not in (1, 3) or bit_depth not in (8, 16):
        raise InputError(
            f"cannot write frames of shape {values.shape} at {bit_depth} bits; give [T, H, W, 1 or 3], 8 or 16"
        )
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"cannot write frames that are {values.dtype}; give floats in [0, 1]")
    if not np.isfinite(values).all():
        raise InputError("cannot write frames with NaN or infinity; replace those values first")
    if fps is not None and not 1 / LONGEST < fps < FASTEST:
        raise InputError(f"{fps} frames per second are none; give a number such as {DEFAULT_FPS}, or None")
    rate = Fraction(DEFAULT_FPS if fps is None else fps).limit_denominator(65535)
    times = tuple(k / rate for k in range(len(values) + 1))
    count, height, width, channels = values.shape
    source = Source(None, count, height, width, channels, bit_depth, 0, float(rate), times, names)
    target = open_target(path, source, overwrite)
    work = beside(real(path), "parts")
    try:
        write_part(target, work / "0", 0, values)
        join_parts(target, [work / "0"])
    finally:
        remove(work)


def _array(frames: ArrayLike) -> HostArray:
    try:
        values = np.asarray(frames)
    except ValueError as error:  # lists of several lengths
        raise InputError(f"frames are no array: {error}; give [T, H, W, 1 or 3]") from error
    if np.ma.is_masked(frames):
        raise InputError("frames are masked in part; fill what is masked first")
    return values
