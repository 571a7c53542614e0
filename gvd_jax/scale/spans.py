"""An axis cut into overlapping spans of one length, so that one set of programs restores them all."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gvd_jax.shapes import HostArray


@dataclass(frozen=True)
class Span:
    """What is restored, `start` to `stop`, and the part of it that is kept, `first` to `last`."""

    start: int
    stop: int
    first: int
    last: int


def count_spans(length: int, size: int, overlap: int) -> int:
    """How many spans of a `size` cover a `length`, each of which overlaps the next by `overlap` at least."""
    return 1 if length <= size else -(-(length - overlap) // (size - overlap))


def cut(length: int, size: int, overlap: int) -> tuple[Span, ...]:
    """Spans of one size, evenly spaced; what is kept changes hands in the middle of an overlap."""
    size = min(size, length)
    count = count_spans(length, size, overlap)
    starts = [k * (length - size) // max(count - 1, 1) for k in range(count)]
    borders = [0, *((there + here + size) // 2 for here, there in pairwise(starts)), length]
    return tuple(
        Span(start, start + size, first, last) for start, (first, last) in zip(starts, pairwise(borders), strict=True)
    )


def weights(spans: tuple[Span, ...]) -> list[HostArray]:
    """How much every place of each span counts, which adds up to 1 over the spans: a third of an overlap blends them.

    The thirds at the borders are left out: there a span does not see what its neighbour sees. A span must be at least
    4/3 of an overlap long, so that no place is blended from three.
    """
    shares = [np.ones(span.stop - span.start, np.float32) for span in spans]
    for k, (here, there) in enumerate(pairwise(spans)):
        overlap = here.stop - there.start
        place = (np.arange(overlap, dtype=np.float32) + 0.5) / overlap
        rise = np.clip(3 * place - 1, 0, 1)
        shares[k][-overlap:] *= 1 - rise
        shares[k + 1][:overlap] *= rise
    return shares
