"""Which side of a stored frame is up: turned by quarters, and mirrored, as a display matrix or a tag of an image says.

(a, b, c, d) stands for: what is stored at (x, y) is shown at (a x + c y, b x + d y), each -1, 0 or 1.
"""

from pathlib import Path

import av
import numpy as np
from av.sidedata.sidedata import Type
from PIL import Image

from gvd_jax.shapes import HostArray
from gvd_jax.video.side_data import side_data

Matrix = tuple[int, int, int, int]
UPRIGHT: Matrix = (1, 0, 0, 1)
TAG = 274  # of Exif and TIFF
# By the value of that tag.
TAGGED: dict[int, Matrix] = {
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


def display_matrix(frame: av.VideoFrame) -> Matrix:
    """How a decoded frame of a video is to be shown."""
    said = side_data(frame, Type.DISPLAYMATRIX)
    if len(said) < 36:
        return UPRIGHT
    a, b, _, c, d = (float(number) for number in np.frombuffer(said, np.int32)[:5])
    if abs(b) > abs(a):
        return 0, int(np.sign(b)), int(np.sign(c)), 0
    return int(np.sign(a)), 0, 0, int(np.sign(d))


def tagged_matrix(file: Path) -> Matrix:
    """How an image file is to be shown; as it is stored if it does not say."""
    try:
        with Image.open(file) as image:
            return TAGGED.get(image.getexif().get(TAG, 1), UPRIGHT)
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, Image.DecompressionBombError):
        return UPRIGHT  # a kind that Pillow does not know, which says nothing


def is_turned(matrix: Matrix) -> bool:
    """Whether rows are shown as columns."""
    return matrix[0] == 0


def upright(image: HostArray, matrix: Matrix) -> HostArray:
    """What is stored, [H, W, C], as it is to be shown."""
    a, b, c, d = matrix
    if is_turned(matrix):
        image = image.swapaxes(0, 1)
    return image[:: -1 if b + d < 0 else 1, :: -1 if a + c < 0 else 1]
