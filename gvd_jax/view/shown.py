"""Which frames of a clip a page shows."""

import numpy as np

MOST_FRAMES = 48  # on a page, for a browser reads all of it before one can step through


def chosen_frames(count: int, most: int = MOST_FRAMES) -> list[int]:
    """The frames of a clip of `count` that a page shows: all, or `most` of them evenly, the first and last included."""
    return np.round(np.linspace(0, count - 1, min(count, most))).astype(int).tolist()


def frames_note(count: int, most: int = MOST_FRAMES) -> str:
    """What a page should say if it does not show every frame."""
    if count <= most:
        return ""
    return f"They are spread evenly over the {count} of the clip: a page of all would be too large."
