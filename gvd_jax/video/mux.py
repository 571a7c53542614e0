"""Segments joined into a video file by copying what they hold, with the sound and the description of the source."""

import heapq
import io
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError

from gvd_jax.errors import InputError
from gvd_jax.video.shutter import is_of_shutter
from gvd_jax.video.source import Source
from gvd_jax.video.survey import DEFAULT_FPS

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
KEPT = ("language", "title", "handler_name")  # of what is said of a stream
Timed = tuple[Fraction, int, av.Packet]  # seconds; a number that no two have, for packets have no order


def check_sound(path: Path, source: Source) -> None:
    """Raise `InputError` if a file named `path` cannot hold the sound of `source`; nothing is written."""
    if not source.has_audio or source.path is None or source.video is None:
        return
    suffix = path.suffix.lower()
    try:
        with (
            source.path.open("rb") as file,
            av.open(file, "r") as sound,
            av.open(io.BytesIO(), "w", format=FORMATS[suffix]) as container,
        ):
            _copies(container, sound)
            container.start_encoding()
    except (FFmpegError, ValueError) as error:
        way_out = "a file that ends in .mkv" if suffix != ".mkv" else "a folder of images"
        codecs = ", ".join(source.video.audio)
        raise InputError(f"{path} cannot hold the sound of {source.path} ({codecs}); name {way_out}") from error


def join(path: Path, suffix: str, parts: Sequence[Path], unit: Fraction, ticks: Sequence[int], source: Source) -> None:
    """Write the segments `parts` one after another, frame k shown from ticks[k] to ticks[k + 1] in `unit` seconds.

    Raises `InputError` if they do not hold that many frames or differ in their settings.
    """
    with path.open("wb") as file:
        options = {"fflags": "+bitexact"}  # no random numbers: the same parts make the same file
        if _has_own_tags(source) and FORMATS[suffix] == "mov":
            options["movflags"] = "use_metadata_tags"
        with av.open(file, "w", format=FORMATS[suffix], container_options=options) as container:
            pictures = _pictures(container, parts, unit, ticks, source)
            if source.has_audio and source.path is not None:
                with source.path.open("rb") as other, av.open(other, "r") as sound:
                    _mux(container, source, pictures, _sound(container, sound, source))
            else:
                _mux(container, source, pictures)
        file.flush()
        os.fsync(file.fileno())


def _mux(container: OutputContainer, source: Source, *streams: Iterator[Timed]) -> None:
    if source.video:
        container.metadata.update({key: value for key, value in source.video.metadata if not is_of_shutter(key)})
        _set_chapters(container, source)
    for _, _, packet in heapq.merge(*streams):
        container.mux(packet)


def _set_chapters(container: OutputContainer, source: Source) -> None:
    """Those that the frames reach, by the clock of the output."""
    assert source.video is not None
    shift, end = _shift(source), source.video.start + source.times[-1]
    first = source.video.start if source.video.origin is None else shift
    kept = [(max(a, first) - shift, min(b, end) - shift, title) for a, b, title in source.video.chapters]
    kept = [(a, b, title) for a, b, title in kept if a < b]
    chapters: list[Any] = [
        {
            "id": k,
            "start": round(1000 * a),
            "end": round(1000 * b),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": title},
        }
        for k, (a, b, title) in enumerate(kept)
    ]
    if chapters:
        container.set_chapters(chapters)


def _has_own_tags(source: Source) -> bool:
    """Whether something is said of the clip under a name of its maker's, such as com.apple.quicktime.model."""
    return source.video is not None and any("." in key for key, _ in source.video.metadata)


def _shift(source: Source) -> Fraction:
    """Seconds of the source's clock at which the output starts: its first frame, or all there is if all is kept."""
    if source.video is None:
        return Fraction(0)
    return source.video.start if source.video.origin is None else source.video.origin


def _pictures(
    container: OutputContainer, parts: Sequence[Path], unit: Fraction, ticks: Sequence[int], source: Source
) -> Iterator[Timed]:
    """Add the stream of pictures at once, then yield its packets."""
    with parts[0].open("rb") as file, av.open(file, "r") as first:
        template = first.streams.video[0]
        stream = container.add_stream_from_template(template, opaque=True)
        stream.codec_context.framerate = template.average_rate or Fraction(DEFAULT_FPS)
        if template.codec_context.name == "hevc" and container.format.name in ("mp4", "mov"):
            stream.codec_context.codec_tag = template.codec_context.codec_tag
        settings = template.codec_context.extradata
    stream.time_base = unit
    if source.video and source.video.language:
        stream.metadata["language"] = source.video.language
    if source.video and source.video.timecode:
        stream.metadata["timecode"] = source.video.timecode
    lead = round((source.video.start - _shift(source)) / unit) if source.video else 0
    return _numbered(stream, settings, parts, unit, [lead + tick for tick in ticks])


def _numbered(
    stream: av.VideoStream, settings: bytes | None, parts: Sequence[Path], unit: Fraction, ticks: Sequence[int]
) -> Iterator[Timed]:
    count = 0
    for part in parts:
        with part.open("rb") as file, av.open(file, "r") as segment:
            if segment.streams.video[0].codec_context.extradata != settings:
                raise InputError(f"{part} was written with other settings than {parts[0]}; start again")
            for packet in segment.demux(segment.streams.video[0]):
                if not packet.size:
                    continue
                if count < len(ticks) - 1:
                    packet.stream, packet.time_base = stream, unit
                    packet.pts = packet.dts = ticks[count]
                    packet.duration = ticks[count + 1] - ticks[count]
                    yield ticks[count] * unit, 2 * count, packet
                count += 1
    if count != len(ticks) - 1:
        raise InputError(f"the parts hold {count} of {len(ticks) - 1} frames; start again")


def _copies(container: OutputContainer, sound: InputContainer) -> dict[int, av.AudioStream]:
    """A stream like each of the source's streams of sound, by its index there."""
    copies = {}
    for stream in sound.streams.audio:
        copy = container.add_stream_from_template(stream, opaque=True)
        copy.metadata.update({key: stream.metadata[key] for key in KEPT if key in stream.metadata})
        copy.disposition = stream.disposition
        copies[stream.index] = copy
    return copies


def _sound(container: OutputContainer, sound: InputContainer, source: Source) -> Iterator[Timed]:
    """Add the streams of sound at once, then yield their packets, within the time of the frames if not all are kept."""
    copies = _copies(container, sound)
    assert source.video is not None
    shift, whole = _shift(source), source.video.origin is not None
    return _cut(sound, copies, shift, None if whole else source.times[-1])


def _cut(
    sound: InputContainer, copies: dict[int, av.AudioStream], shift: Fraction, end: Fraction | None
) -> Iterator[Timed]:
    streams = [stream for stream in sound.streams.audio if stream.index in copies]
    for k, packet in enumerate(sound.demux(*streams)):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.size:
            continue
        time = stamp * packet.time_base - shift
        if end is None or 0 <= time < end:
            ticks = round(shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - ticks
            packet.dts = None if packet.dts is None else packet.dts - ticks
            packet.stream = copies[packet.stream_index]
            yield time, 2 * k + 1, packet
