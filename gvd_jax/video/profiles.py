"""What image files say of their colours, carried over into PNG as it is, and whether they are light."""

import struct
import zlib
from pathlib import Path

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = len(SIGNATURE) + 25  # behind IHDR, which comes first
COLOUR = (b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP")
GAMMA_UNIT = 100_000
LINEAR = 8  # as H.273 numbers the curve
TAGS, TAG = 128, 12  # where the table of tags of a profile begins, behind its header, and the bytes of an entry
CURVES = (b"rTRC", b"kTRC")


def colour_chunks(file: Path) -> bytes:
    """The chunks of a PNG file that say which colours are meant, and those that say so of a JPEG or TIFF file."""
    with file.open("rb") as opened:
        begin = opened.read(len(SIGNATURE))
        if begin == SIGNATURE:
            return b"".join(chunk(kind, content) for kind, content in _chunks(opened.read()) if kind in COLOUR)
    try:
        with Image.open(file) as image:
            profile = image.info.get("icc_profile")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile)) if profile else b""


def tag_chunk(primaries: int, curve: int) -> bytes:
    """The chunk for the tags of a video, numbered as in H.273: RGB of the full range."""
    return chunk(b"cICP", bytes((primaries, curve, 0, 1)))


def states_light(file: Path) -> bool:
    """Whether an image file says that its values are light itself: by a profile of ICC, else cICP, else gAMA.

    Other curves say how values are to be shown. A camera bends its own before that, so they are found in the clip.
    """
    stated = dict(_chunks(colour_chunks(file)))
    if b"iCCP" in stated:
        return _is_linear(stated[b"iCCP"])
    if b"cICP" in stated:
        return stated[b"cICP"][1:2] == bytes((LINEAR,))
    return b"sRGB" not in stated and stated.get(b"gAMA") == struct.pack(">I", GAMMA_UNIT)


def _is_linear(content: bytes) -> bool:
    """Whether the curve of red or gray in a profile is a power of 1 (ICC.1:2022, 10.6 and 10.18)."""
    try:
        profile = zlib.decompress(content[content.index(b"\0") + 2 :])
        (count,) = struct.unpack_from(">I", profile, TAGS)
        tags = (struct.unpack_from(">4sII", profile, TAGS + 4 + TAG * k) for k in range(count))
        place = next(place for kind, place, _ in tags if kind in CURVES)
        kind, number, value = struct.unpack_from(">4s4xII", profile + bytes(4), place)
    except (struct.error, zlib.error, ValueError, StopIteration):
        return False
    if kind == b"para":  # 16 bits for the kind of the function, whose first is a power
        return number >> 16 == 0 and value == 1 << 16
    return kind == b"curv" and (number == 0 or (number == 1 and value >> 16 == 1 << 8))


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(png: bytes, chunks: bytes) -> bytes:
    """A PNG file that says what these chunks say of its colours, in the place of what it said."""
    if not chunks:
        return png
    rest = b"".join(chunk(kind, content) for kind, content in _chunks(png[HEADER_END:]) if kind not in COLOUR)
    return png[:HEADER_END] + chunks + rest


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of every chunk, as far as they are whole."""
    found, place = [], 0
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        if place + 12 + length > len(content):
            break
        found.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return found
