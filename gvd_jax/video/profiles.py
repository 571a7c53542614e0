"""What image files say of their colours, carried over into PNG: profiles, primaries and curves are not looked into."""

import struct
import zlib
from pathlib import Path

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = len(SIGNATURE) + 25  # behind IHDR, which comes first
COLOUR = (b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP")
GAMMA_UNIT = 100_000
LINEAR = 1.0


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


def stated_gamma(file: Path) -> float | None:
    """The exponent from the values of a PNG file to light that it states by a gAMA chunk; None if it does not."""
    with file.open("rb") as opened:
        if opened.read(len(SIGNATURE)) != SIGNATURE:
            return None
        found = dict(_chunks(opened.read()))
    if any(kind in found for kind in (b"iCCP", b"sRGB", b"cICP")) or len(found.get(b"gAMA", b"")) != 4:
        return None
    (value,) = struct.unpack(">I", found[b"gAMA"])
    return GAMMA_UNIT / value if value else None


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
