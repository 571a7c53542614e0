"""What a decoder says beside the pixels of a frame."""

from typing import Any

import av
from av.sidedata.sidedata import Type


def side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    """As FFmpeg lays it out; nothing if it does not say, or says something else that PyAV does not know either."""
    try:
        said: Any = frame.side_data  # PyAV's annotations have another kind of key than it takes
        return bytes(said.get(kind) or b"")
    except ValueError:
        return b""
