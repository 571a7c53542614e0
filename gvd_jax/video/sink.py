"""A clip as it goes: written in parts, each complete before it has its name, that are joined in the end."""

import itertools
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray
from gvd_jax.video import codec, mux
from gvd_jax.video.encode import H264, H265, VP9, Encoding, Picture, check_encoder, write_segment
from gvd_jax.video.places import check_output, failures_named, is_folder, replacing, sync
from gvd_jax.video.source import Source, read_alpha, read_colour_chunks
from gvd_jax.video.survey import BT709, DEFAULT_FPS

FINEST = 1_000_000  # ticks per second: what .mp4 can count for hours
COMMON = Fraction(1, 90_000)  # of times that have no coarser unit in common


@dataclass(frozen=True)
class Target:
    """Where a restored clip goes and in which form. Of a folder, `names` says all; else the rest."""

    path: Path
    source: Source
    names: tuple[str, ...]  # of the images of a folder; () for a video file
    encoding: Encoding
    picture: Picture
    unit: Fraction  # seconds
    ticks: tuple[int, ...]  # count + 1: when each frame is shown in that unit, from the first, and when the last goes
    notes: tuple[str, ...] = ()  # lines for the user on what cannot be kept


def open_target(path: str | Path, source: Source, overwrite: bool) -> Target:
    """Check all that can go wrong with writing `source`, restored, to `path`; nothing is written.

    A name without a suffix is a folder of PNG images of the source's bit depth. A file that ends in .mp4, .m4v, .mov or
    .mkv is H.264, or 10-bit H.265 if the source is a video of more than 8 bits; .webm is VP9.
    Raises `InputError` for a name that is taken or that no file can have, an encoder that PyAV lacks, and sound that
    the container cannot hold.
    """
    path = Path(path)
    check_output(path, overwrite)
    if not source.count or 0 in (source.height, source.width):
        raise InputError(f"there is no frame to write to {path}; give at least one")
    encoding = _encoding(path, source)
    unit, ticks = _ticks(source.times or tuple(Fraction(k, DEFAULT_FPS) for k in range(source.count + 1)))
    video = source.video
    picture = Picture(
        height=source.height + source.height % 2,
        width=source.width + source.width % 2,
        rate=Fraction(source.fps or DEFAULT_FPS).limit_denominator(65535),
        pixel_aspect=video.pixel_aspect if video else Fraction(1),
        primaries=video.primaries if video else BT709,
        curve=video.curve if video else BT709,
    )
    names = _png_names(source.names, source.count) if is_folder(path) else ()
    if not names:
        check_encoder(encoding, picture)
        mux.check_sound(path, source)
    return Target(path, source, names, encoding, picture, unit, ticks, _notes(path, source, encoding))


def write_part(target: Target, part: Path, start: int, frames: Iterable[HostArray]) -> None:
    """Write frames [H, W, C] in [0, 1], the first of which is number `start` of the clip, as `part`.

    A part is a folder of PNG images or a file of video that stands alone; the same frames give the same bytes. It
    appears when it is complete. Raises `InputError` if it cannot be written or frames have another form.
    """
    checked = _checked(target, start, frames)
    with failures_named(target.path), replacing(part) as temporary:
        if target.names:
            _write_images(target, temporary, start, checked)
        else:
            write_segment(temporary, target.encoding, target.picture, target.unit, target.ticks[start:], checked)


def join_parts(target: Target, parts: Sequence[Path]) -> None:
    """Make the clip of its parts, in their order, with the sound and the description of the source.

    It appears, or takes the place of what was there, when it is complete; the parts stay. Raises `InputError` if parts
    are missing or differ in their settings, or the clip cannot be written.
    """
    if not parts:
        raise InputError(f"the parts of {target.path} hold none of its frames; start again")
    with failures_named(target.path), replacing(target.path) as temporary:
        if target.names:
            _gather_images(target, parts, temporary)
        else:
            mux.join(temporary, target.path.suffix.lower(), parts, target.unit, target.ticks, target.source)


def _encoding(path: Path, source: Source) -> Encoding:
    if path.suffix.lower() == ".webm":
        return VP9
    return H265 if source.video and source.video.bits > 8 else H264


def _notes(path: Path, source: Source, encoding: Encoding) -> tuple[str, ...]:
    notes = list(source.notes)
    if is_folder(path):
        notes += ["the sound is dropped: a folder holds images only"] * source.has_audio
    else:
        notes += ["the alpha channel is dropped; a folder of PNG images would keep it"] * source.alpha
        timed = source.video is not None and bool(source.video.timecode) and path.suffix.lower() not in (".mp4", ".mov")
        notes += [f"the timecode is dropped: {path.suffix} does not hold it"] * timed
        deep = source.video is not None and source.video.bits > encoding.bits
        notes += [f"{path.suffix} holds {encoding.bits} of the source's bits per channel"] * deep
    return tuple(notes)


def _ticks(times: tuple[Fraction, ...]) -> tuple[Fraction, tuple[int, ...]]:
    """A unit of time that all times are multiples of, and those multiples."""
    finest = math.lcm(*(time.denominator for time in times))
    unit = Fraction(1, finest) if finest <= FINEST else COMMON
    ticks = [round(time / unit) for time in times]
    apart = itertools.accumulate(ticks, lambda last, tick: max(last + 1, tick))
    return unit, tuple(apart)


def _png_names(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """One name per frame: those given with the suffix changed, or numbers where files cannot have those."""
    kept = tuple(f"{Path(name).stem}.png" for name in names)
    apart = len({name.casefold() for name in kept}) == len(kept) == count  # some disks know no capitals
    return kept if apart and all(map(_is_name, kept)) else tuple(f"{k:05d}.png" for k in range(count))


def _is_name(name: str) -> bool:
    """Whether a file may have it, and is found again."""
    try:
        return name[0] != "." and "\0" not in name and len(os.fsencode(name)) <= 255
    except UnicodeEncodeError:
        return False


def _checked(target: Target, start: int, frames: Iterable[HostArray]) -> Iterator[HostArray]:
    form, count = (target.source.height, target.source.width), target.source.count
    for number, frame in enumerate(frames, start):
        if number >= count:
            raise InputError(f"there are more than the {count} frames of {target.path}; give the right ones")
        if frame.shape[:2] != form or frame.shape[2:] not in ((1,), (3,)):
            raise InputError(f"cannot write a frame of shape {frame.shape}; give {(*form, 3)} or {(*form, 1)}")
        yield frame


def _write_images(target: Target, folder: Path, start: int, frames: Iterable[HostArray]) -> None:
    folder.mkdir()
    for number, frame in enumerate(frames, start):
        file = folder / target.names[number]
        alpha, chunks = read_alpha(target.source, number), read_colour_chunks(target.source, number)
        codec.write_png(file, frame, target.source.bit_depth, alpha, chunks)
        sync(file)


def _gather_images(target: Target, parts: Sequence[Path], folder: Path) -> None:
    folder.mkdir()
    files = {file.name: file for part in parts for file in part.iterdir()}
    if set(files) != set(target.names):
        raise InputError(f"the parts of {target.path} hold {len(files)} of {len(target.names)} frames; start again")
    for name, file in files.items():
        try:
            os.link(file, folder / name)
        except OSError:  # on another disk, or one that knows no links
            shutil.copyfile(file, folder / name)
            sync(folder / name)
