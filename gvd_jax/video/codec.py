"""Pixels in and out of files, by PyAV: it keeps 16-bit colour, unlike Pillow, and interpolates chroma when told to.

An image is uint8 or uint16 [H, W, C], full range, C = 1 or 3. What goes wrong raises `UNREADABLE`.
"""

import struct
import warnings
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.error import FFmpegError
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation
from PIL import Image, ImageOps

from gvd_jax.shapes import HostArray
from gvd_jax.video.orientation import Matrix, tagged_matrix, upright
from gvd_jax.video.profiles import with_chunks

SMOOTH = Interpolation.BICUBIC | Interpolation.ACCURATE_RND  # the default repeats chroma and rounds down
UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
FULL = 2  # AVCOL_RANGE_JPEG
UNREADABLE = (FFmpegError, OSError, ValueError, IndexError, StopIteration)  # the last two: a file without pictures
JPEG = b"\xff\xd8"  # with which such a file begins, whatever its name


def reason(error: BaseException) -> str:
    """Of one of those, in words that a user can follow: those of FFmpeg without its numbers and functions."""
    words = error.strerror if isinstance(error, FFmpegError) else str(error)
    return (words or "there are no pictures in it").lower()


def read_image(path: Path) -> tuple[HostArray, int]:
    """One PNG, TIFF or JPEG file without its alpha channel, upright, and the bits per channel it holds (8 or 16)."""
    image, _, depth = read_layers(path)
    return image, depth


def read_layers(path: Path) -> tuple[HostArray, HostArray | None, int]:
    """The same, and the alpha channel apart, [H, W, 1] of as many bits; None if the file has none."""
    with path.open("rb") as file:
        begin = file.read(len(JPEG))
        file.seek(0)
        if begin == JPEG:
            return _read_jpeg(file), None, 8
        with av.open(file, "r") as container:
            if container.format.name == "tty":  # FFmpeg draws a text file as a film
                raise ValueError("a text file")
            frame = next(container.decode(video=0))
    (image, white), depth = _integers(frame), depth_of(frame.format)
    image = image if white == 2**depth - 1 else quantise(image / np.float32(white), depth)
    matrix, alpha = tagged_matrix(path), _alpha(frame)
    return upright(image, matrix), None if alpha is None else upright(alpha, matrix), depth


def _read_jpeg(file: BinaryIO) -> HostArray:
    """By Pillow, which makes chroma smooth and knows which side is up."""
    try:
        with warnings.catch_warnings(), Image.open(file, formats=["JPEG"]) as image:
            warnings.simplefilter("ignore")  # of what is odd in notes that the camera left
            if image.mode not in ("L", "RGB"):
                raise ValueError(f"{image.mode} colours")
            values = np.asarray(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, SyntaxError, TypeError, KeyError, struct.error) as error:
        raise ValueError(str(error)) from error
    return values.reshape(*values.shape[:2], -1)


def bits_of(kind: av.VideoFormat) -> int:
    """Bits per channel of a pixel format."""
    return max(component.bits for component in kind.components)


def depth_of(kind: av.VideoFormat) -> int:
    """Bits per channel of the images that keep it: 8, or 16 for whatever holds more than 8."""
    return 16 if bits_of(kind) > 8 else 8


def channels_of(kind: av.VideoFormat) -> int:
    """1 for gray and 3 for colours, alpha aside."""
    return 1 if sum(not c.is_alpha for c in kind.components) == 1 and not kind.has_palette else 3


def has_alpha(kind: av.VideoFormat) -> bool:
    """Whether a pixel format has an alpha channel."""
    return kind.has_palette or any(component.is_alpha for component in kind.components)


def pixels(frame: av.VideoFrame, matrix: Matrix) -> HostArray:
    """The values of a decoded frame, shown by that matrix: float32 [H, W, C] in [0, 1]."""
    image, white = _integers(frame)
    image = upright(image, matrix)
    return np.minimum(image / np.float32(white), np.float32(1.0))


def _integers(frame: av.VideoFrame) -> tuple[HostArray, int]:
    """The same as integers, as they are stored, and the one that stands for white."""
    kind, depth = frame.format, depth_of(frame.format)
    white = 2**depth - 1
    if channels_of(kind) == 1 and has_alpha(kind):  # straight to gray, FFmpeg now and then spoils a row of 16 bits
        image = frame.to_ndarray(format="rgba" if depth == 8 else "rgba64le")[..., :1]
    elif channels_of(kind) == 1:
        image = frame.to_ndarray(format="gray" if depth == 8 else "gray16le")[..., None]
    elif kind.is_rgb or kind.has_palette:
        image = frame.to_ndarray(format="rgb24" if depth == 8 else "rgb48le")
    else:  # 16 bits, so that the colour conversion costs no accuracy
        untagged_hd = frame.colorspace == UNSPECIFIED and frame.height > 576
        matrix = "ITU709" if untagged_hd else None  # as players do; None is what the frame says, or BT.601
        image = frame.to_ndarray(format="gbrp16le", src_colorspace=matrix, interpolation=SMOOTH)
        # The conversion shifts bits: its white is that of the source, 255 where the range is limited, times a power.
        full = frame.color_range == FULL or kind.name.startswith("yuvj")
        white = (2 ** bits_of(kind) - 1) << (16 - bits_of(kind)) if full else 255 << 8
    return image, white


def _alpha(frame: av.VideoFrame) -> HostArray | None:
    if not has_alpha(frame.format):
        return None
    deep = depth_of(frame.format) > 8
    values = frame.to_ndarray(format="rgba64le" if deep else "rgba")[..., 3:]
    opaque = frame.format.has_palette and values.min() == 255  # every palette may hold alpha, few do
    return None if opaque else values


def unit(image: HostArray) -> HostArray:
    """Integers as float32 in [0, 1]."""
    return image / np.float32(255 if image.dtype == np.uint8 else 65535)


def write_png(path: Path, image: HostArray, depth: int, alpha: HostArray | None = None, colours: bytes = b"") -> None:
    """Write [H, W, C] in [0, 1] at 8 or 16 bits per channel, with an alpha channel of integers [H, W, 1] if given.

    `colours` are the chunks that say which colours are meant.
    """
    values = quantise(image, depth)
    if alpha is not None:
        values = np.concatenate([values, alpha if depth == 8 * alpha.itemsize else quantise(unit(alpha), depth)], -1)
    kinds = {1: ("gray", "gray16be"), 2: ("ya8", "ya16be"), 3: ("rgb24", "rgb48be"), 4: ("rgba", "rgba64be")}
    encoder = av.VideoCodecContext.create("png", "w")
    encoder.height, encoder.width = image.shape[:2]
    encoder.pix_fmt = kinds[values.shape[-1]][depth // 16]
    encoder.time_base = Fraction(1)
    encoder.options = {"pred": "paeth"}  # half the size
    frame = av.VideoFrame(encoder.width, encoder.height, encoder.pix_fmt)
    fill(frame.planes[0], values.astype(">u2") if depth == 16 else values)
    path.write_bytes(with_chunks(b"".join(bytes(packet) for packet in encoder.encode(frame)), colours))


def fill(plane: VideoPlane, rows: HostArray) -> None:
    """Copy rows into a plane of a frame, whose lines may be longer."""
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1).view(np.uint8)
    plane.update(np.pad(flat, ((0, 0), (0, plane.line_size - flat.shape[1]))).tobytes())


def yuv420(image: HostArray, bits: int) -> list[HostArray]:
    """BT.709, limited range, of [H, W, 3] in [0, 1], both sizes even: luma, then two chroma planes of half the size.

    A chroma sample lies on an even column and between two rows, which is where readers look for it; PyAV would put it
    between the columns.
    """
    image = np.clip(image, 0.0, 1.0)
    luma = image @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    planes: list[HostArray] = [16 + 219 * luma]
    for channel, scale in ((2, 1.8556), (0, 1.5748)):
        chroma = 128 + 224 / scale * (image[..., channel] - luma)
        rows = np.pad((chroma[::2] + chroma[1::2]) / 2, ((0, 0), (1, 0)), mode="edge")
        planes.append((rows[:, :-1:2] + 2 * rows[:, 1::2] + rows[:, 2::2]) / 4)
    return [np.round(plane * 2 ** (bits - 8)).astype(np.uint8 if bits == 8 else np.uint16) for plane in planes]


def quantise(image: HostArray, depth: int) -> HostArray:
    """Values in [0, 1], rounded to `depth` bits; what lies outside is clipped."""
    largest = 2**depth - 1
    return np.round(np.clip(image, 0.0, 1.0) * largest).astype(np.uint8 if depth == 8 else np.uint16)
