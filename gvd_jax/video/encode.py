"""Frames as a segment: a closed file of compressed pictures that others can follow without being encoded again."""

import io
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray
from gvd_jax.video import codec

BT709 = 1  # matrix; with the limited range it is what every player assumes of H.264
LIMITED = 1
THREADS = 4  # a number that does not depend on the machine, for the bytes depend on it


@dataclass(frozen=True)
class Encoding:
    """A compression with half-size chroma and no frames that look ahead: they are stored as they are shown."""

    encoder: str
    pixel_format: str
    bits: int
    options: tuple[tuple[str, str], ...]
    tag: str | None = None  # by which players of Apple know it in .mp4 and .mov


H264 = Encoding("libx264", "yuv420p", 8, (("crf", "12"), ("bf", "0")))
H265 = Encoding(
    "libx265",
    "yuv420p10le",
    10,
    (("crf", "12"), ("x265-params", f"log-level=none:bframes=0:cutree=0:pools={THREADS}")),
    "hvc1",
)
VP9 = Encoding(
    "libvpx-vp9",
    "yuv420p",
    8,
    (
        *(("crf", "15"), ("b", "0"), ("lag-in-frames", "0"), ("auto-alt-ref", "0")),
        *(("row-mt", "1"), ("tile-columns", "2"), ("deadline", "good"), ("cpu-used", "4")),
    ),
)


@dataclass(frozen=True)
class Picture:
    """What an encoder must know of the frames."""

    height: int  # even, as the width
    width: int
    rate: Fraction  # frames per second, on average
    pixel_aspect: Fraction
    primaries: int
    curve: int


def check_encoder(encoding: Encoding, picture: Picture) -> None:
    """Raise `InputError` if PyAV was built without it, or it takes no frames of that size."""
    if encoding.encoder not in av.codecs_available:
        raise InputError(
            f"this PyAV has no {encoding.encoder}; install it anew with `pip install av`, or write a folder of images"
        )
    try:
        with av.open(io.BytesIO(), "w", format="mp4") as container:
            _stream(container, encoding, picture, 1 / picture.rate).codec_context.open()
    except FFmpegError as error:
        size = f"{picture.width}x{picture.height}"
        raise InputError(f"{encoding.encoder} takes no frames of {size}; write a folder of images") from error


def write_segment(
    path: Path, encoding: Encoding, picture: Picture, unit: Fraction, ticks: Sequence[int], frames: Iterable[HostArray]
) -> None:
    """Encode frames [H, W, C] in [0, 1], frame k shown from ticks[k] to ticks[k + 1] in `unit` seconds.

    An odd last row or column is repeated. The same frames give the same bytes.
    """
    with path.open("wb") as file:
        with av.open(file, "w", format="mp4") as container:
            stream = _stream(container, encoding, picture, unit)
            pictures = (_frame(image, encoding, picture) for image in frames)
            packets = _encoded(stream, pictures, unit, ticks)
            for packet, (tick, following) in zip(packets, itertools.pairwise(ticks), strict=False):
                packet.time_base, packet.duration = unit, following - tick  # which encoders leave open
                container.mux(packet)
        file.flush()
        os.fsync(file.fileno())


def _stream(container: OutputContainer, encoding: Encoding, picture: Picture, unit: Fraction) -> av.VideoStream:
    stream = container.add_stream(encoding.encoder, rate=picture.rate, options=dict(encoding.options))
    assert isinstance(stream, av.VideoStream)
    stream.height, stream.width, stream.pix_fmt = picture.height, picture.width, encoding.pixel_format
    context = stream.codec_context
    context.time_base = stream.time_base = unit
    context.thread_type, context.thread_count = "FRAME", THREADS
    context.sample_aspect_ratio = picture.pixel_aspect
    context.colorspace, context.color_range = BT709, LIMITED
    context.color_primaries, context.color_trc = picture.primaries, picture.curve
    if encoding.tag:
        context.codec_tag = encoding.tag
    return stream


def _frame(image: HostArray, encoding: Encoding, picture: Picture) -> av.VideoFrame:
    padding = ((0, picture.height - image.shape[0]), (0, picture.width - image.shape[1]), (0, 0))
    colours = np.pad(image, padding, mode="edge").repeat(3 // image.shape[-1], axis=-1)
    frame = av.VideoFrame(picture.width, picture.height, encoding.pixel_format)
    for plane, values in zip(frame.planes, codec.yuv420(colours, encoding.bits), strict=True):
        codec.fill(plane, values)
    return frame


def _encoded(
    stream: av.VideoStream, pictures: Iterable[av.VideoFrame], unit: Fraction, ticks: Sequence[int]
) -> Iterator[av.Packet]:
    for frame, tick in zip(pictures, ticks, strict=False):
        frame.pts, frame.time_base = tick - ticks[0], unit
        yield from stream.encode(frame)
    yield from stream.encode()
