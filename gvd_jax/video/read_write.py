"""Clips in and out: a video file, or a folder of images."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray

# `codec` is imported where it is used: `import gvd_jax` promises not to load a video library.

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
DEFAULT_FPS = 30.0


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
    Raises `InputError` for what is missing, empty, damaged, not a video, of several sizes or shorter than `frames`.
    """
    path = Path(path)
    first, stop = _window(frames)
    if not path.exists():
        raise InputError(f"{path} does not exist; give a video file or a folder of images")
    return _read_folder(path, first, stop) if path.is_dir() else _read_file(path, first, stop)


def write_video(
    path: str | Path,
    frames: ArrayLike,
    fps: float | None = None,
    overwrite: bool = False,
    bit_depth: int = 8,
    names: tuple[str, ...] = (),
) -> None:
    """Write frames [T, H, W, C] in [0, 1], C = 1 or 3: H.264 if `path` ends in .mp4, .m4v, .mov or .mkv, else a folder.

    A folder gets one PNG per frame with `bit_depth` 8 or 16, named after `names` or else 00000.png, 00001.png, ... A
    video has `fps` frames per second (30 if unknown) and even sizes: an odd last row or column is repeated.
    The output appears under its name when it is complete. Raises `InputError` as `check_output` does.
    """
    from gvd_jax.video import codec

    path, values = Path(path), np.asarray(frames)
    if values.ndim != 4 or values.shape[-1] not in (1, 3) or bit_depth not in (8, 16):
        raise InputError(
            f"cannot write frames of shape {values.shape} at {bit_depth} bits; give [T, H, W, 1 or 3], 8 or 16"
        )
    check_output(path, overwrite)
    try:
        with _replacing(path) as temporary:
            if _is_folder(path):
                temporary.mkdir()
                for name, image in zip(_png_names(names, len(values)), values, strict=True):
                    codec.write_png(temporary / name, image, bit_depth)
            else:
                codec.write_stream(temporary, values, fps or DEFAULT_FPS)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def check_output(path: str | Path, overwrite: bool) -> None:
    """Raise `InputError` unless `write_video` may write to `path`; nothing is written.

    Only a folder that holds nothing but PNG files is ever overwritten, for it is replaced as a whole.
    """
    path = Path(path)
    if not _is_folder(path) and path.suffix.lower() not in VIDEO_SUFFIXES:
        raise InputError(f"cannot write {path}: name a folder, or a file that ends in {', '.join(VIDEO_SUFFIXES)}")
    check_free(path, overwrite)
    if path.is_dir() and any(entry.suffix.lower() != ".png" for entry in path.iterdir()):
        raise InputError(f"{path} holds more than PNG files and is not overwritten; choose another folder")


def check_free(path: Path, overwrite: bool) -> None:
    """Raise `InputError` if a file or folder `path` exists, unless empty or to be overwritten, or cannot be made."""
    empty = path.is_dir() and not any(path.iterdir())
    if path.exists() and not (empty or overwrite):
        raise InputError(f"{path} exists; choose another name or give --overwrite")
    nearest = next(parent for parent in path.absolute().parents if parent.exists())
    for place in (nearest, path) if path.exists() else (nearest,):
        if not os.access(place, os.W_OK) or not nearest.is_dir():
            raise InputError(f"cannot write {path}: {place} is no folder one may write to; choose another place")


def _is_folder(path: Path) -> bool:
    return path.is_dir() or not path.suffix


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling that takes the place of `path` once the block succeeds and vanishes if it does not."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)


def _png_names(names: tuple[str, ...], count: int) -> list[str]:
    """One name per frame: those given with the suffix changed, or numbers where that leaves too few of them."""
    kept = [f"{Path(name).stem}.png" for name in names]
    return kept if len(set(kept)) == count else [f"{k:05d}.png" for k in range(count)]


def _window(frames: slice | None) -> tuple[int, int | None]:
    """First frame and the one after the last, None for the end."""
    first = frames.start or 0 if frames else 0
    stop = frames.stop if frames else None
    if first < 0 or (stop is not None and stop <= first) or (frames and frames.step not in (None, 1)):
        raise InputError(f"frames {first}:{'' if stop is None else stop} are none; give A:B with 0 <= A < B")
    return first, stop


def _read_folder(path: Path, first: int, stop: int | None) -> Clip:
    from gvd_jax.video import codec

    files = [file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.name[0] != "."]
    files.sort(key=lambda file: _natural(file.name))
    if not files:
        raise InputError(
            f"{path} holds no images ({', '.join(IMAGE_SUFFIXES)}); give a folder of frames or a video file"
        )
    _check_window(path, first, stop, len(files))
    images, depths = [], []
    for file in files[first:stop]:
        try:
            image, depth = codec.read_image(file)
        except codec.UNREADABLE as error:
            raise InputError(f"{file} cannot be read as an image; remove it or save it as PNG ({error})") from error
        images.append(image)
        depths.append(depth)
    names = tuple(file.name for file in files[first:stop])
    return Clip(_assemble(images, names), None, max(depths), names)


def _read_file(path: Path, first: int, stop: int | None) -> Clip:
    from gvd_jax.video import codec

    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise InputError(f"{path} is a single image; give a video file, or the folder that holds the frames")
    try:
        footage = codec.read_stream(path, first, stop)
    except codec.UNREADABLE as error:
        raise InputError(f"{path} cannot be read as a video; give a video file or a folder of images") from error
    count = footage.count
    if not count:
        raise InputError(f"no frame of {path} can be decoded; give a whole video file or a folder of images")
    if footage.damaged and (stop is None or count < stop):
        raise InputError(f"{path} is damaged after {count} frames; take what can be read with --frames 0:{count}")
    _check_window(path, first, stop, count)
    labels = tuple(f"frame {first + k}" for k in range(len(footage.images)))
    return Clip(_assemble(footage.images, labels), footage.fps, footage.depth)


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts 2.png before 10.png."""
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


def _check_window(path: Path, first: int, stop: int | None, count: int) -> None:
    if first >= count or (stop is not None and stop > count):
        raise InputError(f"{path} holds {count} frames; ask for frames within 0:{count}")


def _assemble(images: list[HostArray], names: tuple[str, ...]) -> HostArray:
    """Stack integer images as float32 [T, H, W, C] in [0, 1]; gray ones among colours get three equal channels."""
    sizes = [image.shape[:2] for image in images]
    for name, size in zip(names, sizes, strict=True):
        if size != sizes[0]:
            (h0, w0), (h, w) = sizes[0], size
            raise InputError(f"{names[0]} is {w0}x{h0} but {name} is {w}x{h}; give frames of one size")
    frames = np.empty((len(images), *sizes[0], max(image.shape[2] for image in images)), np.float32)
    for frame, image in zip(frames, images, strict=True):
        frame[:] = image / np.float32(np.iinfo(image.dtype).max)
    return frames
