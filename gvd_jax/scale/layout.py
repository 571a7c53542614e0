"""How a clip is cut into blocks of frames and pixels that fit into memory."""

from dataclasses import dataclass

from gvd_jax.errors import InputError
from gvd_jax.scale.spans import Span, count_spans, cut

CONTEXT = 3  # frames that a window sees beyond those it keeps, on either side
SHORTEST = 2 * CONTEXT + 1  # frames of a window
LONGEST = 32  # frames of a window: a longer one saves little, and is all that is lost when a run breaks off
MARGIN = 32  # pixels that a tile sees beyond those it keeps, besides the blur
BLURS = 3  # of these: at a blur of 12 px, a tile is as good as the whole frame from 5 of them off its border


@dataclass(frozen=True)
class Layout:
    """Spans of frames, rows and columns; every combination is a block."""

    windows: tuple[Span, ...]
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def frames(self) -> int:
        """Of a window."""
        return self.windows[0].stop - self.windows[0].start

    @property
    def tiles(self) -> int:
        """Of a window."""
        return len(self.rows) * len(self.columns)


@dataclass(frozen=True)
class Budget:
    """Bytes: `total` for everything, `base` of the programs, and per pixel of a frame: `block` of what is restored at
    once, `read` of a window, `kept` of the part of it that is kept."""

    total: float
    base: float
    block: float
    read: float
    kept: float

    def need(self, frames: int, kept: int, block: tuple[int, int], frame: tuple[int, int]) -> float:
        """Bytes for windows of `frames`, of which some are kept, in blocks of a size of frames of a size."""
        held = (self.read * frames + self.kept * kept) * frame[0] * frame[1]
        return self.base + self.block * frames * block[0] * block[1] + held

    def need_of_whole(self, frames: int, height: int, width: int) -> float:
        """Bytes for a clip that is one block."""
        return self.need(frames, frames, (height, width), (height, width))

    def holds(self, frames: int, height: int, width: int) -> bool:
        """Whether such a clip is restored as one block."""
        return frames <= LONGEST and self.need_of_whole(frames, height, width) <= self.total


def tile_overlap(blur: float) -> int:
    """Pixels that neighbouring tiles share under a blur of that many pixels to either side."""
    return 2 * round(MARGIN + BLURS * blur)


def lay_out(count: int, height: int, width: int, blur: float, budget: Budget) -> Layout:
    """The layout of `count` frames that restores the fewest pixels twice among those that fit the budget.

    `blur` is the length of the longest path of an exposure to either side, in pixels. Raises `InputError` if none fits.
    """
    overlap = tile_overlap(blur)
    fewest = min(count, SHORTEST)
    best, least = None, float("inf")
    smallest = float("inf")
    heights, widths = _sizes(height, overlap), _sizes(width, overlap)
    for frames in range(fewest, min(count, LONGEST) + 1):
        windows = count_spans(count, frames, 2 * CONTEXT)
        kept = frames if windows == 1 else frames - CONTEXT
        for rows, h in enumerate(heights, 1):
            for columns, w in enumerate(widths, 1):
                need = budget.need(frames, kept, (h, w), (height, width))
                smallest = min(smallest, need)
                cost = windows * frames * rows * h * columns * w
                if need <= budget.total and cost < least:
                    best, least = (frames, h, w), cost
    if best is None:
        raise InputError(
            f"{budget.total / 2**30:.3g} GB are too few for frames of {width}x{height}: "
            f"give --max-memory {smallest / 2**30 + 0.05:.1f} or more, or smaller frames"
        )
    frames, h, w = best
    return Layout(cut(count, frames, 2 * CONTEXT), cut(height, h, overlap), cut(width, w, overlap))


def _sizes(length: int, overlap: int) -> list[int]:
    """Of the tiles along an axis, when there is one, two, ...: each keeps half as much as it shares at least."""
    sizes = [length]
    while True:
        count = len(sizes) + 1
        size = -(-(length + (count - 1) * overlap) // count)
        if size < 1.5 * overlap:
            return sizes
        sizes.append(size)
