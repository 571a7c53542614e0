"""How far the frames of a video are off what was encoded, by the quantiser that its codec says it used."""

import struct
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from av.sidedata.sidedata import Type
from PIL import Image, UnidentifiedImageError

from gvd_jax.video.side_data import side_data

# What a decoder is asked to say, and how FFmpeg lays it out: AVVideoEncParams and AVVideoBlockParams.
ASKED = {"export_side_data": "venc_params"}
HEADER, BLOCK = struct.Struct("@IxxxxNNii8i"), np.dtype([("place", "i4", 4), ("delta", "i4")])
# The step of the quantiser by its number, in display values of 8 bits: VP9, H.264 and MPEG-2, as FFmpeg numbers them.
STEPS: dict[int, Callable[[float], float]] = {
    0: lambda q: (q + 7) / 8 if q < 95 else 12.75 * float(np.exp(0.018 * (q - 95))),
    1: lambda q: 0.625 * 2 ** (q / 6),
    2: lambda q: 2.0 * q,
}
# Of a step: an error of that size is noise for the data term. The whole error is three to four times as large, but most
# of it is texture that is lost, which harms less: at quantiser 42 the data term is best at a tenth of its weight.
NOISE = 0.05 / 255
# Of the root of the mean of a table of JPEG, for the coarser it is, the more of the error is texture. The data term is
# best near 1/255 at quality 75, 1.9/255 at 30, 2.4/255 at 12.
OF_TABLE = 0.19 / 255


def jpeg_error(file: Path | BytesIO) -> float:
    """The same of an image, by the table that a JPEG file was quantised with; 0 of other files."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=["JPEG"]) as image:
            table: list[int] = image.quantization[0]  # pyright: ignore[reportAttributeAccessIssue]
    except (UnidentifiedImageError, KeyError):
        return 0.0
    return OF_TABLE * float(np.mean(table)) ** 0.5


def codec_error(frame: av.VideoFrame) -> float:
    """The standard deviation of what the codec has added to a frame, display values; NaN if it does not say."""
    said = side_data(frame, Type.VIDEO_ENC_PARAMS)
    if len(said) < HEADER.size:
        return float("nan")
    count, start, size, kind, quantiser, *_ = HEADER.unpack_from(said)
    if kind not in STEPS:
        return float("nan")
    deltas = [0.0]
    if count and size == BLOCK.itemsize and len(said) >= start + count * size:
        deltas = np.frombuffer(said, BLOCK, count, start)["delta"].tolist()
    return NOISE * STEPS[kind](quantiser + float(np.mean(deltas)))
