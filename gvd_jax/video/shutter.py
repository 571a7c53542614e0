"""What a file says of its shutter: tags of cameras, by the end of their names, and EXIF of images."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from gvd_jax.video.source import Source

FULL_CIRCLE = 720.0  # degrees: an angle of 360 is tau = 0.5
LONGEST = 1.01  # exposures per frame interval: a bit more is rounding, twice as much is of something else
ANGLE, TIMES = "shutterangle", ("exposuretime", "shutterspeed", "shuttertime")  # ends of the names of tags
EXIF, EXPOSURE_TIME, TAKEN, TAKEN_FRACTION = 0x8769, 0x829A, 0x9003, 0x9291  # EXIF 2.32


@dataclass(frozen=True)
class Stated:
    """A duty cycle, and the words of the file that say it."""

    duty_cycle: float
    words: str


def stated_shutter(source: Source) -> Stated | None:
    """That of a clip; None if nothing of sense is said."""
    if source.video is not None:
        return _of_video(source.video.metadata, source.fps)
    return _of_images(source) if source.path is not None else None


def _of_video(metadata: tuple[tuple[str, str], ...], fps: float | None) -> Stated | None:
    for key, value in metadata:
        number = _number(value)
        if number is None:
            continue
        if _name(key).endswith(ANGLE):
            tau = number / FULL_CIRCLE
        elif _name(key).endswith(TIMES) and fps is not None:
            tau = number * fps / 2
        else:
            continue
        if 0 < tau <= LONGEST / 2:
            return Stated(min(tau, 0.5), f"{key} {value}")
    return None


def is_of_shutter(key: str) -> bool:
    """Whether a tag of that name says something of the shutter, which is not that of what is restored."""
    return _name(key).endswith((ANGLE, *TIMES))


def _name(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())


def _number(text: str) -> float | None:
    """Of "1/50 s", "0.02" or "172.8 deg"."""
    found = re.match(r"\s*(\d+(?:\.\d+)?)(?:\s*/\s*(\d+(?:\.\d+)?))?", text)
    if found is None or (found[2] is not None and float(found[2]) == 0):
        return None
    return float(found[1]) / float(found[2] or 1)


def _of_images(source: Source) -> Stated | None:
    """By the exposure of the first image, and the interval from the first to the last, which states its fractions."""
    assert source.path is not None
    first, last = (_exif(source.path / name) for name in (source.names[0], source.names[-1]))
    if first is None or last is None:
        return None
    (exposure, begun), (_, ended) = first, last
    interval = (ended - begun).total_seconds() / (source.count - 1)
    if interval <= 0 or not 0 < exposure <= LONGEST * interval:
        return None
    return Stated(min(exposure / (2 * interval), 0.5), f"an exposure of {exposure:.4g} s every {interval:.4g} s")


def _exif(path: Path) -> tuple[float, datetime] | None:
    """Exposure time in seconds, and when the image was taken; None unless both are there, with fractions of seconds."""
    try:
        with Image.open(path) as image:
            tags = image.getexif().get_ifd(EXIF)
        exposure, taken = float(tags[EXPOSURE_TIME]), datetime.strptime(tags[TAKEN], "%Y:%m:%d %H:%M:%S")
        return exposure, taken.replace(microsecond=int(f"{tags[TAKEN_FRACTION]:0<6}"[:6]))
    except (OSError, UnidentifiedImageError, KeyError, ValueError, TypeError, ZeroDivisionError):
        return None
