"""Whether a file ends where it should: where some kinds are cut, readers just stop, as if that were the end."""

import os
from pathlib import Path

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # the two elements that a Matroska file consists of
PACKETS = (188, 192, 204)  # bytes, of MPEG transport streams
GIF_END = b";"
# Boxes that say that a file is MP4 or QuickTime, the one of its index, and the bytes of the head of one.
MP4, INDEX, HEAD = {b"ftyp", b"moov", b"mdat"}, b"moov", 8


def cut_short(path: Path, container: str) -> bool:
    """Whether the end of a file is missing, as far as its kind tells: `container` is FFmpeg's name for that."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if container.startswith("matroska"):
            return size < _matroska_size(file.read(4096))
        if container == "gif":
            file.seek(-min(size, 512), os.SEEK_END)
            return not file.read().rstrip(b"\0").endswith(GIF_END)
    return container == "mpegts" and all(size % packet for packet in PACKETS)


def without_index(path: Path) -> bool:
    """Whether a file is MP4 or QuickTime and lacks its index or a part of it, as one of a recording that broke off."""
    begun, whole, size = set(), set(), path.stat().st_size
    with path.open("rb") as file:
        while file.tell() + HEAD <= size:
            start, head = file.tell(), file.read(HEAD)
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if length == 1:  # it does not fit into four bytes
                length = int.from_bytes(file.read(8), "big")
            begun.add(kind)
            if length < HEAD or start + length > size:
                break
            whole.add(kind)
            file.seek(start + length)
    return bool(begun & MP4) and INDEX not in whole


def _matroska_size(head: bytes) -> int:
    """Bytes of the whole file by what its head says; 0 if it says nothing, as that of a broadcast."""
    if not head.startswith(EBML):
        return 0
    length, start = _length(head, len(EBML))
    segment = start + (length or 0)
    if length is None or head[segment : segment + len(SEGMENT)] != SEGMENT:
        return 0
    length, start = _length(head, segment + len(SEGMENT))
    return 0 if length is None else start + length


def _length(head: bytes, place: int) -> tuple[int | None, int]:
    """An EBML number, None if it stands for an unknown length, and where it ends.

    The zeros that it begins with say how many bytes follow the first.
    """
    first = head[place] if place < len(head) else 0
    width = 9 - first.bit_length()
    value = int.from_bytes(head[place : place + width], "big") & ((1 << 7 * width) - 1)
    return (None if width > 8 or value == (1 << 7 * width) - 1 else value), place + width
