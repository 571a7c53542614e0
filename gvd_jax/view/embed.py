"""Pictures inside a page: images as data URIs, figures as inline SVG."""

import base64
from html import escape
from io import StringIO

import imageio.v3 as iio
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gvd_jax.shapes import HostArray

QUALITY = 90  # of JPEG
SMALL = 2**16  # pixels; an image up to this size is enlarged on the page, where JPEG's blocks would show
SALT = "gvd-jax"  # the names inside an SVG are the same whenever it is drawn


def to_bytes(picture: ArrayLike) -> HostArray:
    """A picture [H, W, C] or [H, W] in [0, 1] as uint8, gray as [H, W]; what is not finite is 0."""
    image = np.nan_to_num(np.asarray(picture, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    return np.round(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8)


def data_uri(image: HostArray) -> str:
    """A uint8 image [H, W], [H, W, 3] or, transparent, [H, W, 4] as a URI: JPEG, or PNG if small or transparent."""
    if image.shape[0] * image.shape[1] <= SMALL or image.shape[2:] == (4,):
        kind, content = "png", iio.imwrite("<bytes>", image, extension=".png")
    else:  # colours at full resolution, for they are what the maps say
        kind, content = "jpeg", iio.imwrite("<bytes>", image, extension=".jpeg", quality=QUALITY, subsampling=0)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def img(image: HostArray, description: str) -> str:
    """The tag of a uint8 image; a browser decodes it when it is first seen."""
    height, width = image.shape[:2]
    size = f'width="{width}" height="{height}" loading="lazy" decoding="async"'
    return f'<img src="{data_uri(image)}" alt="{escape(description)}" {size}>'


def svg(figure: Figure, description: str) -> str:
    """A figure as inline SVG without a background, its words as text; the same figure gives the same characters."""
    buffer = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": SALT}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    drawing = buffer.getvalue()
    label = f'<svg role="img" aria-label="{escape(description)}"'
    return label + drawing[drawing.index("<svg") + len("<svg") :].strip()
