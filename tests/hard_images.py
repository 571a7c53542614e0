"""Images that cameras do not write: odd, damaged, mislabelled, or no images at all."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

SIZE = (16, 24)


def png(values, bits=8, kind=2, size=None, crc=True, extra=b""):
    """A PNG file, chunk by chunk: `kind` 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGBA; `size` is what it says."""
    height, width = size or values.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in values)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) + (not crc))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encoded(image, suffix, **options):
    held = io.BytesIO()
    Image.fromarray(image).save(held, suffix, **options)
    return held.getvalue()


def tiff(image, **options):
    held = io.BytesIO()
    tifffile.imwrite(held, image, **options)
    return held.getvalue()


RGB = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (*SIZE, 3), np.uint16)
GRAY = RGB[..., 0]
CMYK = Image.fromarray(RGB).convert("CMYK")


def cmyk_jpeg():
    held = io.BytesIO()
    CMYK.save(held, "jpeg")
    return held.getvalue()


# One image as bytes, its name, and whether it can be read; None if either is right.
IMAGES = {
    "cmyk.jpg": (cmyk_jpeg(), False),
    "gray.jpg": (encoded(GRAY, "jpeg"), True),
    "progressive.jpeg": (encoded(RGB, "jpeg", progressive=True), True),
    "png inside.jpg": (png(RGB), True),
    "rgba png inside.jpg": (png(np.dstack([RGB, GRAY]), kind=6), None),
    "gif inside.jpg": (encoded(RGB, "gif"), None),
    "jpeg inside.png": (encoded(RGB, "jpeg"), True),
    "tiff inside.png": (tiff(RGB), True),
    "deep gray and alpha.png": (png(DEEP[..., :2].byteswap(), 16, 4), True),
    "deep rgba.png": (png(np.dstack([DEEP, DEEP[..., :1]]).byteswap(), 16, 6), True),
    "one bit.png": (encoded(GRAY > 99, "png"), True),
    "palette.png": (png(GRAY % 4, kind=3, extra=b""), None),
    "palette of pillow.png": (encoded(RGB, "gif"), True),
    "wrong crc.png": (png(RGB, crc=False), None),
    "lies wide.png": (png(RGB, size=(16, 16384)), False),
    "lies huge.png": (png(RGB, size=(2**31 - 1, 2**31 - 1)), False),
    "lies zero.png": (png(RGB, size=(0, 24)), False),
    "lies small.png": (png(RGB, size=(4, 4)), None),
    "kind 7.png": (png(RGB, kind=7), False),
    "bits 3.png": (png(RGB, bits=3), False),
    "empty.png": (b"", False),
    "empty.jpg": (b"", False),
    "empty.tif": (b"", False),
    "text.png": (b"no picture\n" * 99, False),
    "text.jpg": (b"no picture\n" * 99, False),
    "text.tif": (b"no picture\n" * 99, False),
    "html.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", False),
    "svg.png": (b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>', False),
    "noise.png": (np.random.default_rng(2).bytes(5000), False),
    "noise.jpg": (np.random.default_rng(3).bytes(5000), False),
    "noise.tiff": (np.random.default_rng(4).bytes(5000), False),
    "signature only.png": (b"\x89PNG\r\n\x1a\n", False),
    "signature only.jpg": (b"\xff\xd8\xff\xe0", False),
    "signature only.tif": (b"II*\0\x08\0\0\0", False),
    "float.tif": (tiff(RGB / np.float32(255)), None),
    "float nan.tif": (tiff(np.full(SIZE, np.nan, np.float32)), None),
    "int32.tif": (tiff(GRAY.astype(np.int32)), None),
    "five channels.tif": (tiff(np.dstack([RGB, RGB[..., :2]])), None),
    "planar.tif": (tiff(np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate"), None),
    "big endian.tif": (tiff(DEEP, byteorder=">"), True),
    "tiled.tif": (tiff(RGB, tile=(16, 16)), None),
    "lzw pages.tif": (tiff(np.stack([RGB, RGB]), photometric="rgb"), None),
    "bigtiff.tif": (tiff(RGB, bigtiff=True), None),
    "bool.tif": (tiff(GRAY > 99), None),
    "webp inside.png": (encoded(RGB, "webp"), None),
    "bmp inside.png": (encoded(RGB, "bmp"), None),
}


def lying_jpeg(width, height):
    """A JPEG whose header says another size."""
    data = bytearray(encoded(RGB, "jpeg"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


IMAGES |= {f"lies {w}x{h}.jpg": (lying_jpeg(w, h), False) for w, h in ((16384, 16), (65500, 65500), (0, 16), (24, 0))}
