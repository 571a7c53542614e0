"""A clip as it comes: looked through once, then read frame by frame, however long it is."""

import dataclasses
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray
from gvd_jax.video import codec, decode
from gvd_jax.video.combs import LOOKED_AT, combs
from gvd_jax.video.compression import jpeg_error
from gvd_jax.video.ending import without_index
from gvd_jax.video.profiles import LINEAR, colour_chunks, states_light, tag_chunk
from gvd_jax.video.survey import BT709, Footage, check_window, survey

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


@dataclass(frozen=True)
class Source:
    """What is known of a clip once it has been looked through: a video file, a folder of images, or frames in memory.

    Frames are numbered from 0, which is frame `first` of the file or folder.
    """

    path: Path | None  # None: the frames are in memory
    count: int
    height: int
    width: int
    channels: int  # 1 or 3
    bit_depth: int = 8  # 8, or 16 for whatever holds more than 8
    first: int = 0
    fps: float | None = None  # on average; None for a folder
    times: tuple[Fraction, ...] = ()  # seconds: count + 1, when each frame is shown and when the last goes, or ()
    names: tuple[str, ...] = ()  # file names, if the clip is a folder
    alpha: bool = False  # some image of the folder has an alpha channel: `read_alpha`
    video: Footage | None = None  # what else is known of a video file
    top: int = 0  # row and column of the file at which the frames start: `cropped`
    left: int = 0
    size: tuple[int, int] = (0, 0)  # rows and columns of the file
    notes: tuple[str, ...] = ()  # lines for the user on what cannot be kept
    woven: tuple[float, ...] = ()  # `combs` of the first frames
    errors: tuple[float, ...] = ()  # of every frame what its codec has added: `codec_error`
    light: bool = False  # whether the file says that its values are light, not bent by any curve
    gaps: tuple[int, ...] = ()  # the frames before which so many images are missing that no motion goes on

    @property
    def has_audio(self) -> bool:
        """Whether the file has sound."""
        return self.video is not None and bool(self.video.audio)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the file that the frames hold."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def open_source(path: str | Path, frames: slice | None = None) -> Source:
    """Look through a video file or a folder of PNG, JPEG and TIFF images in their natural order.

    `frames`, a slice without a step and counted from the start, takes only a part. Everything that is taken is decoded
    once, so that reading it later does not fail. Gray is one channel unless other images of the folder have colour.
    Raises `InputError` for what is missing, empty, damaged, not a video, of several sizes, HDR or shorter
    than `frames`.
    """
    path = Path(path)
    first, stop = _window(frames)
    if not os.path.exists(path):  # no error for names that are too long
        raise InputError(f"{path} does not exist; give a video file or a folder of images")
    if not os.access(path, os.R_OK):
        raise InputError(f"you may not read {path}: change its permissions, or give another clip")
    return _open_folder(path, first, stop) if path.is_dir() else _open_file(path, first, stop)


def cropped(source: Source, rows: slice, columns: slice) -> Source:
    """The same clip, of which only some rows and columns are read. Raises `InputError` if it does not hold them."""
    height, width = len(range(source.height)[rows]), len(range(source.width)[columns])
    if rows.stop > source.height or columns.stop > source.width or not height or not width:
        raise InputError(
            f"--crop does not fit frames of {source.width}x{source.height}; "
            f"give Y+H <= {source.height} and X+W <= {source.width}"
        )
    return dataclasses.replace(source, height=height, width=width, top=rows.start, left=columns.start)


def read_frames(source: Source, start: int = 0, stop: int | None = None) -> Iterator[HostArray]:
    """Frames `start` to `stop` (None: the end), one after another: float32 [H, W, C] in [0, 1].

    Raises `InputError` if the file is no longer what it was when it was opened.
    """
    numbers = range(source.count)[start:stop]
    images = _images(source, numbers) if source.names else _decoded(source, numbers)
    for image in images:
        if image.shape[:2] != source.size or image.shape[2] > source.channels:
            raise InputError(f"{source.path} has changed since it was opened; start again")
        yield np.broadcast_to(image[source.window], (source.height, source.width, source.channels))


def read_alpha(source: Source, number: int) -> HostArray | None:
    """The alpha channel of a frame, uint8 or uint16 [H, W, 1]; None if it has none."""
    if not source.alpha or source.path is None:
        return None
    _, alpha, _ = _read_layers(source.path / source.names[number])
    return None if alpha is None else alpha[source.window]


def read_colour_chunks(source: Source, number: int) -> bytes:
    """What an image of a frame says of its colours, as chunks of PNG: what the file says, or the tags of the video."""
    if source.video is not None:
        plain = source.video.primaries == BT709
        return b"" if plain else tag_chunk(source.video.primaries, source.video.curve)
    return colour_chunks(source.path / source.names[number]) if source.path and source.names else b""


def _images(source: Source, numbers: range) -> Iterator[HostArray]:
    assert source.path is not None
    for k in numbers:
        yield codec.unit(_read_layers(source.path / source.names[k])[0])


def _decoded(source: Source, numbers: range) -> Iterator[HostArray]:
    video, path = source.video, source.path
    assert video is not None and path is not None
    if not numbers:
        return
    stamp = video.stamps[numbers[0]] if video.stamps else None
    found = decode.frames_from(path, not video.damaged, source.first + numbers[0], stamp)
    for _ in numbers:
        try:
            frame = next(found, None)
        except codec.UNREADABLE as error:
            raise InputError(f"{path} can no longer be read; start again") from error
        if frame is None:
            raise InputError(f"{path} has changed since it was opened; start again")
        yield codec.pixels(frame, video.matrix)


def _open_folder(path: Path, first: int, stop: int | None) -> Source:
    files = [file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.name[0] != "."]
    files.sort(key=lambda file: _natural(file.name))
    if not files:
        raise InputError(
            f"{path} holds no images ({', '.join(IMAGE_SUFFIXES)}); give a folder of frames or a video file"
        )
    check_window(path, first, stop, len(files))
    names = tuple(file.name for file in files[first:stop])
    size, channels, depth, alpha, woven, errors = (0, 0), 1, 8, False, [], []
    for name in names:
        image, transparency, bits = _read_layers(path / name)
        (height, width), (h0, w0) = image.shape[:2], size
        if size not in ((0, 0), (height, width)):
            raise InputError(f"{names[0]} is {w0}x{h0} but {name} is {width}x{height}; give frames of one size")
        size, channels, depth = (height, width), max(channels, image.shape[2]), max(depth, bits)
        alpha |= transparency is not None
        errors.append(jpeg_error(path / name))
        if len(woven) < LOOKED_AT:
            woven.append(combs(codec.unit(image)))
    notes, gaps = _missing(names)
    return Source(
        path,
        len(names),
        *size,
        channels,
        depth,
        first,
        names=names,
        alpha=alpha,
        size=size,
        notes=notes,
        gaps=gaps,
        woven=tuple(woven),
        errors=tuple(errors),
        light=states_light(path / names[0]),
    )


def _missing(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """A line on the numbers that are missing among names that differ in one number only, and `Source.gaps`."""
    parts = [re.split(r"(\d+)(?=\D*$)", name) for name in names]
    if len(parts) < 2 or any(len(own) != 3 for own in parts) or len({(own[0], own[2]) for own in parts}) > 1:
        return (), ()
    numbers = [int(own[1]) for own in parts]
    steps = [after - before for before, after in pairwise(numbers)]
    least = min(steps)
    missing = sorted(set(range(numbers[0], numbers[-1], least)) - set(numbers)) if least > 0 else []
    if not missing or len(missing) > len(numbers):
        return (), ()
    gaps = tuple(k + 1 for k, step in enumerate(steps) if step > 2 * least)
    shown = ", ".join(map(str, missing[:8])) + f" and {len(missing) - 8} more" * (len(missing) > 8)
    apart = "" if gaps else ": those beside them are taken as neighbours"
    return (f"images {shown} are missing{apart}",), gaps


def _read_layers(file: Path) -> tuple[HostArray, HostArray | None, int]:
    if not file.is_file():  # a folder, a link to nothing, or a pipe, which never ends
        raise InputError(f"{file} is named like an image but is no file; remove it or give it another name")
    try:
        return codec.read_layers(file)
    except codec.UNREADABLE as error:
        raise InputError(
            f"{file} cannot be read as an image ({codec.reason(error)}); remove it or save it as PNG"
        ) from error


def _open_file(path: Path, first: int, stop: int | None) -> Source:
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise InputError(f"{path} is a single image; give a video file, or the folder that holds the frames")
    if not path.is_file():
        raise InputError(f"{path} is no file that can be read more than once; give a video file or a folder of images")
    if not path.stat().st_size:
        raise InputError(f"{path} is empty; give a whole video file or a folder of images")
    try:
        found = survey(path, first, stop)
    except InputError:
        raise
    except codec.UNREADABLE as error:
        if without_index(path):
            raise InputError(
                f"{path} has no index, as a recording or a copy that broke off: copy it again, or repair it with "
                "untrunc"
            ) from error
        raise InputError(
            f"{path} cannot be read as a video ({codec.reason(error)}); give a video file or a folder of images"
        ) from error
    return Source(
        path=path,
        count=len(found.times) - 1,
        height=found.height,
        width=found.width,
        channels=found.channels,
        bit_depth=16 if found.bits > 8 else 8,
        first=first,
        fps=found.fps,
        times=found.times,
        video=found,
        notes=found.notes,
        woven=found.woven,
        errors=found.errors,
        light=found.curve == LINEAR,
        size=(found.height, found.width),
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts 2.png before 10.png."""
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


def _window(frames: slice | None) -> tuple[int, int | None]:
    """First frame and the one after the last, None for the end."""
    first = frames.start or 0 if frames else 0
    stop = frames.stop if frames else None
    if not isinstance(first, int) or not isinstance(stop, int | None):
        raise InputError(f"frames {first}:{stop} are no whole numbers; give A:B with 0 <= A < B")
    if first < 0 or (stop is not None and stop <= first) or (frames and frames.step not in (None, 1)):
        raise InputError(f"frames {first}:{'' if stop is None else stop} are none; give A:B with 0 <= A < B")
    return first, stop
