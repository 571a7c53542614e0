"""A video file as decoded frames, one after another."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

from gvd_jax.video import compression

# Where a key frame starts anew and the container says when it is shown: frames from the middle need not all before.
SEEKABLE = {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "ffv1", "dnxhd"}
INDEXED = ("mov", "matroska")


@contextmanager
def opened(path: Path, ahead: bool = True) -> Iterator[tuple[InputContainer, av.VideoStream]]:
    """The container and its first stream of pictures. Raises `codec.UNREADABLE`.

    Several frames are decoded at once, `ahead` of the one that is taken, unless told not to; then a damaged one may be
    left out in silence.
    """
    with path.open("rb") as file, av.open(file, "r") as container:
        if container.format.name == "tty":  # FFmpeg draws a text file as a film
            raise ValueError("a text file")
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            raise ValueError("no pictures that move")
        stream = streams[0]
        if stream.codec_context is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise ValueError("a compression that is not known")
        stream.thread_type = "AUTO" if ahead else "SLICE"
        stream.codec_context.options = dict(compression.ASKED)
        yield container, stream


def frames(
    container: InputContainer, stream: av.VideoStream, awaited: set[int | None] | None = None
) -> Iterator[av.VideoFrame | None]:
    """Frames in the order of display; None stands for the first that is damaged, and ends them.

    The times of those that should come are added to `awaited`.
    """
    for packet in _packets(container, stream):
        if awaited is not None and packet is not None and packet.size and not packet.is_discard:
            awaited.add(packet.pts)
        try:
            decoded = [None] if packet is None else packet.decode()
        except FFmpegError:
            decoded = [*_rest(stream), None]
        for frame in decoded:
            sound = frame is not None and not frame.is_corrupt
            yield frame if sound else None
            if not sound:
                return


def _packets(container: InputContainer, stream: av.VideoStream) -> Iterator[av.Packet | None]:
    """Packets, and None where the file cannot be read on."""
    try:
        yield from container.demux(stream)
    except FFmpegError:
        yield None


def _rest(stream: av.VideoStream) -> list[av.VideoFrame]:
    """The frames that were decoded before the damage and wait for their turn to be shown."""
    try:
        return stream.codec_context.decode(None)
    except FFmpegError:
        return []


def seekable(container: InputContainer, stream: av.VideoStream) -> bool:
    """Whether decoding may start in the middle and give the same pixels."""
    return stream.codec_context.codec.canonical_name in SEEKABLE and container.format.name.startswith(INDEXED)


def frames_from(path: Path, ahead: bool, number: int, stamp: int | None) -> Iterator[av.VideoFrame | None]:
    """Frames from `number` on, as `frames`; found by its time `stamp`, if it has one, from the key frame before it."""
    if stamp is not None and number > 0:
        with opened(path, ahead) as (container, stream):
            with suppress(FFmpegError):  # then every frame is decoded
                container.seek(stamp, stream=stream)
            later = (frame for frame in frames(container, stream) if frame is None or (frame.pts or 0) >= stamp)
            first = next(later, None)
            if first is not None and first.pts == stamp:
                yield first
                yield from later
                return
    with opened(path, ahead) as (container, stream):
        for k, frame in enumerate(frames(container, stream)):
            if k >= number or frame is None:
                yield frame
