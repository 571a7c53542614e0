"""Pixels in and out of files, by PyAV: it keeps 16-bit colour, unlike Pillow, and interpolates chroma when told to.

An image is uint8 or uint16 [H, W, C], full range, C = 1 or 3. What goes wrong raises `UNREADABLE`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as iio
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import Interpolation

from gvd_jax.shapes import HostArray

SMOOTH = Interpolation.BICUBIC | Interpolation.ACCURATE_RND  # the default repeats chroma and rounds down
UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
BT709 = 1  # matrix, primaries and curve; with the limited range it is what every player assumes of H.264
LIMITED = 1
QUALITY = {"crf": "12"}
UNREADABLE = (FFmpegError, OSError, ValueError, IndexError, StopIteration)  # the last two: a file without pictures


def read_image(path: Path) -> tuple[HostArray, int]:
    """One PNG, TIFF or JPEG file without its alpha channel, upright, and the bits per channel it holds (8 or 16)."""
    if path.suffix.lower() in (".jpg", ".jpeg"):
        image = iio.imread(path, rotate=True)
        if image.ndim == 3 and image.shape[-1] != 3:
            raise ValueError("CMYK colours")
        return image.reshape(*image.shape[:2], -1), 8
    with path.open("rb") as file, av.open(file, "r") as container:
        return _pixels(next(container.decode(video=0)))


@dataclass(frozen=True)
class Footage:
    """What was read of a video: images, bits per channel of the source and frames per second."""

    images: list[HostArray]
    depth: int
    fps: float | None
    count: int  # frames decoded from the start of the file
    damaged: bool  # whether the frame after those cannot be decoded


def read_stream(path: Path, first: int, stop: int | None) -> Footage:
    """Frames `first` to `stop` (None: the end) of a video, or those before the first damaged one."""
    images: list[HostArray] = []
    count, depth, damaged = 0, 8, False
    with path.open("rb") as file, av.open(file, "r") as container:
        if container.format.name == "tty":  # FFmpeg draws a text file as a film
            raise ValueError("a text file")
        stream = container.streams.video[0]
        fps = stream.average_rate or stream.guessed_rate
        for frame in _frames(container, stream):
            damaged = frame is None
            if frame is None or count == stop:
                break
            if count >= first:
                image, depth = _pixels(frame)
                images.append(image)
            count += 1
    return Footage(images, depth, float(fps) if fps else None, count, damaged)


def _frames(container: InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame | None]:
    """Frames in the order of display; None stands for the first that is damaged, and ends them."""
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except FFmpegError:
            decoded = [*_rest(stream), None]
        for frame in decoded:
            sound = frame is not None and not frame.is_corrupt
            yield frame if sound else None
            if not sound:
                return


def _rest(stream: av.VideoStream) -> list[av.VideoFrame]:
    """The frames that were decoded before the damage and wait for their turn to be shown."""
    try:
        return stream.codec_context.decode(None)
    except FFmpegError:
        return []


def _pixels(frame: av.VideoFrame) -> tuple[HostArray, int]:
    """The values of a decoded frame and the bits per channel of its source."""
    kind = frame.format
    depth = 16 if max(component.bits for component in kind.components) > 8 else 8
    colours = sum(not component.is_alpha for component in kind.components)
    if colours == 1 and not kind.has_palette:
        image = frame.to_ndarray(format="gray" if depth == 8 else "gray16le")[..., None]
    elif kind.is_rgb or kind.has_palette:
        image = frame.to_ndarray(format="rgb24" if depth == 8 else "rgb48le")
    else:  # 16 bits, so that the colour conversion costs no accuracy
        untagged_hd = frame.colorspace == UNSPECIFIED and frame.height > 576
        matrix = "ITU709" if untagged_hd else None  # as players do; None is what the frame says, or BT.601
        image = frame.to_ndarray(format="gbrp16le", src_colorspace=matrix, interpolation=SMOOTH)
    return np.rot90(image, frame.rotation // 90), depth


def write_png(path: Path, image: HostArray, depth: int) -> None:
    """Write [H, W, C] in [0, 1] at 8 or 16 bits per channel."""
    name = {(1, 8): "gray", (3, 8): "rgb24", (1, 16): "gray16be", (3, 16): "rgb48be"}[image.shape[-1], depth]
    encoder = av.VideoCodecContext.create("png", "w")
    encoder.height, encoder.width, encoder.pix_fmt = *image.shape[:2], name
    encoder.time_base = Fraction(1)
    encoder.options = {"pred": "paeth"}  # half the size
    values = quantise(image, depth)
    frame = av.VideoFrame.from_ndarray(values[..., 0] if values.shape[-1] == 1 else values, format=name)
    path.write_bytes(b"".join(bytes(packet) for packet in encoder.encode(frame)))


def write_stream(path: Path, frames: HostArray, fps: float) -> None:
    """Write [T, H, W, C] in [0, 1] as H.264 with half-size chroma, which plays everywhere.

    That format holds even sizes only: an odd last row or column is repeated.
    """
    height, width, channels = frames.shape[1:]
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    with path.open("wb") as file, av.open(file, "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(65535), options=QUALITY)
        stream.height, stream.width, stream.pix_fmt = height + height % 2, width + width % 2, "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        for image in frames:
            colours = np.pad(image, padding, mode="edge").repeat(3 // channels, axis=-1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_yuv420(colours), format="yuv420p")))
        container.mux(stream.encode())


def _yuv420(image: HostArray) -> HostArray:
    """BT.709 of [H, W, 3] in [0, 1]: H x W luma, then two chroma planes of half the size, flattened to width W.

    A chroma sample lies on an even column and between two rows, which is where readers of H.264 look for it; PyAV would
    put it between the columns.
    """
    image = np.clip(image, 0.0, 1.0)
    luma = image @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    planes: list[HostArray] = [16 + 219 * luma]
    for channel, scale in ((2, 1.8556), (0, 1.5748)):
        chroma = 128 + 224 / scale * (image[..., channel] - luma)
        rows = np.pad((chroma[::2] + chroma[1::2]) / 2, ((0, 0), (1, 0)), mode="edge")
        planes.append((rows[:, :-1:2] + 2 * rows[:, 1::2] + rows[:, 2::2]) / 4)
    flat = np.concatenate([plane.ravel() for plane in planes])
    return np.round(flat).astype(np.uint8).reshape(-1, image.shape[1])


def quantise(image: HostArray, depth: int) -> HostArray:
    """Values in [0, 1], rounded to `depth` bits; what lies outside is clipped."""
    largest = 2**depth - 1
    return np.round(np.clip(image, 0.0, 1.0) * largest).astype(np.uint8 if depth == 8 else np.uint16)
