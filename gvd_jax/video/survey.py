"""One pass through a video file that finds what its header does not say for sure: length, times, kind and damage."""

import dataclasses
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer

from gvd_jax.errors import InputError
from gvd_jax.video import codec, decode
from gvd_jax.video.combs import LOOKED_AT, combs
from gvd_jax.video.compression import codec_error, jpeg_error
from gvd_jax.video.ending import cut_short
from gvd_jax.video.orientation import UPRIGHT, Matrix, display_matrix, is_turned

PQ, HLG = 16, 18  # AVCOL_TRC_SMPTE2084, AVCOL_TRC_ARIB_STD_B67
EVERY = 16  # frames: the quantiser of so many is looked at once the first are
BT709, UNSPECIFIED = 1, (0, 2)  # primaries and curve
DEFAULT_FPS = 30
LONGEST = 1000  # seconds from one frame to the next; longer ones no player could show
FASTEST = 1_000_000  # frames per second
TO_SDR = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)
OF_THE_FILE = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "software",
    "duration",
}  # not of what it shows
OF_WHAT_IS_KEPT = {"SubtitleHandler", "TimeCodeHandler"}  # tracks that hold the titles of chapters, and the timecode


@dataclass(frozen=True)
class Footage:
    """What one pass through a video file found; of the frames that were asked for, not of all."""

    height: int  # upright, as all that follows
    width: int
    channels: int
    bits: int  # per channel: 8, 10, 12, ...
    fps: float  # on average
    times: tuple[Fraction, ...]  # as of `Source`
    start: Fraction  # seconds of the file's own clock at which the first frame is shown
    origin: Fraction | None  # where that clock starts; None unless all frames were asked for
    stamps: tuple[int, ...]  # times in the stream's own unit, if frames can be found by them
    pixel_aspect: Fraction  # width over height of a pixel
    primaries: int  # AVColorPrimaries
    curve: int  # AVColorTransferCharacteristic
    audio: tuple[str, ...]  # codecs of the streams of sound
    metadata: tuple[tuple[str, str], ...]  # title, creation_time, location, comment, ...
    language: str
    damaged: bool  # the frame after those cannot be decoded
    errors: tuple[float, ...]  # `codec_error` of every frame, the mean of some before it; 0 if nothing is lost
    woven: tuple[float, ...]  # `combs` of the first ones
    matrix: Matrix  # how they are to be shown
    chapters: tuple[tuple[Fraction, Fraction, str], ...]  # seconds of the file's own clock, from and to; title
    timecode: str  # of the first frame, if all are taken
    notes: tuple[str, ...]  # lines for the user on what cannot be kept


def survey(path: Path, first: int, stop: int | None) -> Footage:
    """Decode frames up to `stop` (None: the end) and say what was found.

    Raises `InputError` for a file that is damaged or ends before, frames that differ in size or are HDR,
    and `codec.UNREADABLE`.
    """
    found = _survey(path, first, stop, ahead=True) or _survey(path, first, stop, ahead=False)
    assert found is not None
    return found


def check_window(path: Path, first: int, stop: int | None, count: int) -> None:
    """Raise `InputError` unless frames `first` to `stop` are among `count`."""
    if first >= count or (stop is not None and stop > count):
        raise InputError(f"{path} holds {count} frames; ask for frames within 0:{count}")


def _survey(path: Path, first: int, stop: int | None, ahead: bool) -> Footage | None:
    """The same; None if frames were decoded `ahead` and some did not come, so that nothing is sure."""
    with decode.opened(path, ahead) as (container, stream):
        walk = _walk(path, container, stream, first, stop)
        if stream.codec_context.name == "mjpeg":  # whose decoder says nothing of its tables
            walk = dataclasses.replace(walk, errors=[_table_error(path)] * len(walk.errors))
        if ahead and not walk.complete:
            return None
        if not walk.count:
            raise InputError(f"no frame of {path} can be decoded; give a whole video file or a folder of images")
        if walk.damaged and (stop is None or walk.count < stop):
            raise InputError(
                f"{path} is damaged after {walk.count} frames; take what can be read with --frames 0:{walk.count}"
            )
        check_window(path, first, stop, walk.count)
        assert walk.sample is not None
        return _describe(container, stream, walk.sample, walk, whole=first == 0 and not walk.more and not walk.damaged)


@dataclass(frozen=True)
class _Walk:
    sample: av.VideoFrame | None  # the first that was asked for
    kinds: list[av.VideoFormat]  # of all that were
    stamps: list[int | None]
    errors: list[float]
    woven: list[float]  # `combs` of the first of them
    marked: bool  # as interlaced
    end: int  # when the last goes, in the unit of the stamps
    count: int
    more: bool  # there are frames after those that were asked for
    damaged: bool  # the next one cannot be decoded
    complete: bool  # every frame came that was awaited


def _walk(path: Path, container: InputContainer, stream: av.VideoStream, first: int, stop: int | None) -> _Walk:
    stamps: list[int | None] = []
    errors: list[float] = []
    said: list[float] = []
    matrix = UPRIGHT
    woven: list[float] = []
    marked = False
    awaited: set[int | None] = set()
    kinds: dict[str, av.VideoFormat] = {}
    sample, count, end, more, damaged = None, 0, 0, False, False
    for frame in decode.frames(container, stream, awaited):
        damaged, more = frame is None, frame is not None and count == stop
        if frame is None or more:
            end = end if frame is None or frame.pts is None else frame.pts
            break
        if count >= first:
            if sample is None:
                sample, matrix = frame, display_matrix(frame)
            _check(path, frame, count, sample, first)
            stamps.append(frame.pts)
            if len(errors) < LOOKED_AT or count % EVERY == 0:
                gc.collect(1)  # PyAV's frames whose side data was looked at are not freed before
                said.append(codec_error(frame) if stream.codec_context.codec.lossy else 0.0)
            errors.append(float(np.mean(said[-LOOKED_AT:])))
            marked = marked or frame.interlaced_frame
            if len(woven) < LOOKED_AT:
                woven.append(combs(codec.pixels(frame, matrix)))
            kinds.setdefault(frame.format.name, frame.format)
            end = (frame.pts or 0) + (frame.duration or 0)
        if frame.pts is not None:
            awaited.discard(frame.pts)
        count += 1
    damaged = damaged or (not more and count > 0 and cut_short(path, container.format.name))
    missing = any(stamp is None or not more or stamp < end for stamp in awaited)
    seen = sample, [*kinds.values()], stamps, errors, woven, marked
    return _Walk(*seen, end, count, more, damaged, complete=not missing and not damaged)


def _check(path: Path, frame: av.VideoFrame, number: int, sample: av.VideoFrame, first: int) -> None:
    """Refuse what cannot be restored or would be written wrongly."""
    (h0, w0), (height, width) = _shape(sample), _shape(frame)
    if (h0, w0) != (height, width):
        raise InputError(
            f"{path} changes from {w0}x{h0} to {width}x{height} at frame {number}; "
            f"take frames of one size with --frames {first}:{number}"
        )
    if frame.color_trc in (PQ, HLG):
        name = "PQ" if frame.color_trc == PQ else "HLG"
        raise InputError(f"{path} is HDR ({name}); convert it to SDR first: ffmpeg -i IN -vf {TO_SDR} OUT")


def _shape(frame: av.VideoFrame) -> tuple[int, int]:
    return frame.height, frame.width


def _describe(
    container: InputContainer, stream: av.VideoStream, frame: av.VideoFrame, walk: _Walk, whole: bool
) -> Footage:
    rate = _rate(stream)
    unit = stream.time_base or Fraction(1, DEFAULT_FPS)
    known = [stamp for stamp in walk.stamps if stamp is not None]
    ordered = len(known) == len(walk.stamps) and all(0 < (b - a) * unit < LONGEST for a, b in pairwise(known))
    # AVI has no times, and a constant rate.
    unordered = len(known) == len(walk.stamps) and not ordered and container.format.name != "avi"
    start = known[0] * unit if ordered else Fraction(0)
    matrix = display_matrix(frame)
    height, width = _shape(frame)[::-1] if is_turned(matrix) else _shape(frame)
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    times = _times(known, walk.end, unit, rate) if ordered else _steady(len(walk.stamps), rate)
    return Footage(
        height=height,
        width=width,
        channels=max(map(codec.channels_of, walk.kinds)),
        bits=max(map(codec.bits_of, walk.kinds)),
        fps=float(rate if rate and times == _steady(len(known), rate) else (len(times) - 1) / times[-1]),
        times=times,
        start=start,
        origin=_origin(container, start) if whole else None,
        stamps=tuple(known) if ordered and decode.seekable(container, stream) else (),
        pixel_aspect=1 / aspect if is_turned(matrix) else aspect,
        primaries=_tag(frame.color_primaries),
        curve=_tag(frame.color_trc),
        audio=tuple(sound.codec_context.name if sound.codec_context else "?" for sound in container.streams.audio),
        metadata=tuple((k, v) for k, v in container.metadata.items() if k.lower() not in OF_THE_FILE),
        language=stream.metadata.get("language", ""),
        damaged=walk.damaged,
        errors=tuple(walk.errors),
        woven=tuple(walk.woven),
        matrix=matrix,
        chapters=tuple(_chapters(container)),
        timecode=stream.metadata.get("timecode", "") if whole else "",
        notes=tuple(_notes(container, stream, frame.format, whole))
        + ("the times of the frames are out of order or far apart; they are written at a constant rate",) * unordered
        + ("the frames are marked as interlaced, but they are whole, and taken so",) * walk.marked,
    )


def _table_error(path: Path) -> float:
    """`jpeg_error` of the first picture."""
    with decode.opened(path) as (container, stream):
        return jpeg_error(BytesIO(bytes(next(iter(container.demux(stream))))))


def _times(stamps: list[int], end: int, unit: Fraction, rate: Fraction | None) -> tuple[Fraction, ...]:
    """Seconds from the first frame on, by a constant rate where the stamps are that rate, rounded to their unit."""
    if end <= stamps[-1]:  # the container does not say how long the last frame lasts
        gap = stamps[-1] - stamps[-2] if len(stamps) > 1 else 0
        end = stamps[-1] + (gap or max(1, round(1 / (rate or DEFAULT_FPS) / unit)))
    exact = tuple((stamp - stamps[0]) * unit for stamp in (*stamps, end))
    steady = _steady(len(stamps), rate)
    near = all(abs(a - b) <= unit for a, b in zip(exact[:-1], steady[:-1], strict=True))
    return steady if near and abs(exact[-1] - steady[-1]) <= 2 * unit else exact


def _rate(stream: av.VideoStream) -> Fraction | None:
    """Frames per second, as the header has it; None if that is nothing that a camera does."""
    rate = stream.average_rate or stream.guessed_rate
    return rate if rate and 1 / LONGEST < rate < FASTEST else None


def _steady(count: int, rate: Fraction | None) -> tuple[Fraction, ...]:
    return tuple(k / (rate or Fraction(DEFAULT_FPS)) for k in range(count + 1))


def _origin(container: InputContainer, start: Fraction) -> Fraction:
    """Where the file's clock starts: zero, or at the earliest of pictures and sound if that is later.

    Sound that starts before zero is what a decoder needs to begin with, and is not heard.
    """
    starts = [s.start_time * s.time_base for s in container.streams.audio if s.start_time is not None and s.time_base]
    return min(start, max(Fraction(0), min([start, *starts])))


def _tag(value: int) -> int:
    """A colour tag; what is not tagged is taken for BT.709."""
    return BT709 if value in UNSPECIFIED else value


def _chapters(container: InputContainer) -> Iterator[tuple[Fraction, Fraction, str]]:
    for chapter in container.chapters():
        unit: Any = chapter["time_base"]
        yield chapter["start"] * unit, chapter["end"] * unit, chapter["metadata"].get("title", "")


def _notes(container: InputContainer, stream: av.VideoStream, kind: av.VideoFormat, whole: bool) -> list[str]:
    notes = []
    transparent = codec.has_alpha(kind) and stream.codec_context.name != "gif"
    if transparent or stream.metadata.get("alpha_mode") == "1":
        notes.append("the alpha channel is dropped; a folder of PNG images would keep it")
    if len(container.streams.video) > 1:
        notes.append("only the first of the streams of pictures is kept")
    if container.streams.subtitles:
        notes.append("subtitles are dropped")
    others = [data.metadata.get("handler_name", "") for data in container.streams.data]
    named = [name or "of no name" for name in others if name not in OF_WHAT_IS_KEPT]
    if named:
        notes.append(f"a track of data is dropped: {', '.join(named)}")
    if stream.metadata.get("timecode") and not whole:
        notes.append("the timecode is dropped, which is that of the first frame of the file")
    return notes
