"""What the frames of a clip are to each other: a picture that is shown again, a cut, a picture that stands alone.

Found from small copies of the frames before anything is solved. Of one scene that moves, nearly every block of a frame
is found again nearby in the next one, whatever the exposure does and however blurry both are; across a cut few are.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress, groupby
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from gvd_jax.ops.platform import placed
from gvd_jax.shapes import Continues, HostArray

LONGER_SIDE = 64  # pixels of a small copy
NEAR, FARTHEST = 3, 10  # of those: so far away a block is looked for first, and then, a sixth of the width
BLOCK = 11  # of those
SMALLEST = 32  # rows and columns of a frame: of less nothing is known
FLAT = 1e-5  # variance of a block, display values squared: one of less shows nothing
# Of the variance of blocks: what the best match leaves. Clips of all kinds leave .01 to .24, motion by a tenth of the
# width .32; between two scenes .48 and more is left.
CUT, SURELY_NONE = 0.42, 0.2
IDENTICAL = 0.05 / 255  # display values: rounding
# A codec shows a picture again with an error: not more than that, and than a part of how much frames nearby differ.
ALIKE, PART, NEARBY = 0.5 / 255, 0.15, 4
RESTS = 3  # frames, of which the first may still show the motion before
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Timeline:
    """The distinct pictures of a clip of `count` frames.

    `starts` has the number of the frame that shows each picture first, and `continues` says of each whether the next
    one goes on with its scene.
    """

    count: int
    starts: tuple[int, ...]
    continues: tuple[bool, ...]

    @property
    def pictures(self) -> int:
        """How many there are."""
        return len(self.starts)

    @property
    def shown(self) -> HostArray:
        """In how many frames each is shown."""
        return np.diff([*self.starts, self.count])

    @property
    def moves(self) -> bool:
        """Whether any picture has a neighbour of its scene; else there is nothing to be restored."""
        return any(self.continues)

    @property
    def rests(self) -> HostArray:
        """Which pictures begin or end a shot and are shown much longer than others of it: the camera had not begun to
        move, or had stopped; or an editor froze them, which `find_scene` tells apart. Bool, per picture."""
        shots = np.cumsum([0, *(not own for own in self.continues[:-1])])
        usual = np.array([np.median(self.shown[shots == shot]) for shot in range(shots[-1] + 1)])[shots]
        ends = np.diff(shots, prepend=-1).astype(bool) | np.diff(shots, append=shots[-1] + 1).astype(bool)
        return ends & (self.shown >= RESTS) & (self.shown > 2 * usual)

    def links(self, dtype: Any = np.float32, first: int = 0, last: int | None = None) -> Continues:
        """`continues` of the pictures from `first` up to `last`, of which the last one ends: 1 or 0."""
        own = np.array(self.continues[first:last], dtype)
        own[-1:] = 0
        return placed(own)

    def frames_of(self, first: int, last: int) -> tuple[int, int]:
        """The frames, from and to, that show the pictures from `first` up to `last`."""
        starts = (*self.starts, self.count)
        return starts[first], starts[last]

    def picture_at(self, frame: int) -> int:
        """The picture that a frame shows."""
        return int(np.searchsorted(self.starts, frame, side="right")) - 1

    def cut_before(self, frames: Collection[int]) -> "Timeline":
        """With a cut before each of those frames that shows another picture than the one before."""
        cuts = [after in frames for after in (*self.starts[1:], self.count)]
        return replace(self, continues=tuple(own and not cut for own, cut in zip(self.continues, cuts, strict=True)))

    def notes(self) -> list[str]:
        """What is out of the ordinary, a line each, with the numbers of frames."""
        linked = np.array(self.continues)
        before = np.concatenate([[False], linked[:-1]])
        alone = ~linked & ~before
        between = _between_shots(alone)
        among = alone[:-1] | alone[1:]  # pairs of which that is said anyway
        cuts = self._numbers(np.concatenate([[False], ~linked[:-1] & ~among]))
        again = sorted(set(range(self.count)) - set(self.starts))
        notes = []
        if not self.moves and self.pictures == 1:
            return ["all frames show the same picture: they are kept as they are"]
        if cuts:
            notes.append(f"cut before frame {cuts}: each part is restored by itself")
        if changing := self._numbers(between):
            notes.append(f"frame {changing} fit no neighbour, as in a dissolve: kept as they are")
        if lonely := self._numbers(alone & ~between):
            notes.append(f"no neighbour explains frame {lonely}: kept as it is")
        if again:
            notes.append(f"frame {listed(again)} repeats the one before: each picture is restored once")
        return notes

    def _numbers(self, pictures: HostArray) -> str:
        """Of the frames that show those pictures first."""
        return listed(list(compress(self.starts, pictures)))


def listed(frames: Sequence[int], most: int = 8) -> str:
    """Numbers of frames, rising, for a line: 1, 4 to 6."""
    runs = [[own for _, own in run] for _, run in groupby(enumerate(frames), lambda pair: pair[1] - pair[0])]
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    left = sum(len(run) for run in runs[most:])
    return ", ".join(texts[:most]) + f" and {left} more" * (left > 0)


def _between_shots(alone: HostArray) -> HostArray:
    """Which of the pictures that stand alone do so with others, one after the other, after a shot and before one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], alone.astype(int), [0]])))
    between = np.zeros_like(alone)
    for start, stop in edges.reshape(-1, 2):
        between[start:stop] = stop - start > 1 and start > 0 and stop < len(alone)
    return between


def plain_timeline(count: int) -> Timeline:
    """Of a clip in which every frame goes on with the scene of the one before."""
    return Timeline(count, tuple(range(count)), (*[True] * (count - 1), False))


def find_timeline(frames: Iterable[HostArray]) -> Timeline:
    """Of frames [H, W, C], display values, which are looked at one after the other."""
    last, small = None, None
    differences, left = [], []
    for frame in frames:
        gray = np.asarray(frame) @ LUMA if frame.shape[-1] == 3 else np.asarray(frame)[..., 0]
        shrunk = small_copy(gray)
        if last is not None and small is not None:
            differences.append(float(np.sqrt(np.square(gray - last).mean())))
            left.append(0.0 if differences[-1] < IDENTICAL else unexplained(small, shrunk))
        last, small = gray, shrunk
    count, same_scene = len(differences) + 1, np.array(left) < CUT
    if last is None or min(last.shape) < SMALLEST:
        return plain_timeline(count)
    repeats = _repeats(np.array(differences), same_scene)
    starts = np.flatnonzero(np.concatenate([[True], ~repeats]))
    # The last frame that shows a picture goes on, or does not.
    lasts = np.array([*starts[1:], count]) - 1
    continues = np.concatenate([same_scene, [False]])[lasts]
    return Timeline(count, tuple(starts.tolist()), tuple(continues.tolist()))


def _repeats(differences: HostArray, same_scene: HostArray) -> HostArray:
    """Whether every frame but the first repeats the one before."""
    moving = np.where(same_scene, differences, 0.0)
    nearby = [moving[max(0, k - NEARBY) : k + NEARBY + 1].max() for k in range(len(moving))]
    alike = (differences < ALIKE) & (differences < PART * np.array(nearby))
    return (differences < IDENTICAL) | alike


def small_copy(gray: HostArray) -> HostArray:
    """Means of the pixels [H, W] that a small picture of the frame has one of."""
    height, width = gray.shape
    scale = min(1.0, LONGER_SIDE / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    return np.asarray(Image.fromarray(gray.astype(np.float32)).resize(size, Image.Resampling.BOX))


def unexplained(first: HostArray, second: HostArray) -> float:
    """The part of the variance in blocks of a small picture that no block nearby in the other one explains, in [0, 1].

    The mean of both directions. A block explains another up to a gain and an offset. 1 if one of the two shows nothing,
    0 if neither does.
    """
    textured = [_structure(picture) > FLAT for picture in (first, second)]
    if not textured[0].any() or not textured[1].any():
        return float(textured[0].any() != textured[1].any())
    at_place = _left(first, second, 0)
    if at_place < SURELY_NONE:
        return at_place
    near = (_left(first, second, NEAR) + _left(second, first, NEAR)) / 2
    if near < CUT:  # and from farther away still more would be explained
        return near
    return (_left(first, second, FARTHEST) + _left(second, first, FARTHEST)) / 2


def _left(here: HostArray, there: HostArray, farthest: int) -> float:
    """What blocks of `there`, up to so many pixels away, leave of the variance of blocks of `here`."""
    height, width = here.shape
    reach = min(farthest, height // 3, width // 3)
    margin = np.pad(there, reach, mode="edge")
    places = [margin[i : i + height, j : j + width] for i in range(2 * reach + 1) for j in range(2 * reach + 1)]
    moved = np.stack(places)

    def mean(x: HostArray) -> HostArray:
        return uniform_filter(x, (0, BLOCK, BLOCK), mode="nearest")

    mean_here, mean_moved = mean(here[None]), mean(moved)
    own = np.maximum(mean(here[None] ** 2) - mean_here**2, 0)
    others = np.maximum(mean(moved**2) - mean_moved**2, 0)
    shared = np.maximum(mean(moved * here[None]) - mean_moved * mean_here, 0)
    explained = (shared**2 / ((own + FLAT) * (others + FLAT))).max(0)
    weight = np.where(own[0] > FLAT, np.sqrt(own[0]), 0)
    return float((weight * (1 - explained)).sum() / weight.sum())


def _structure(picture: HostArray) -> HostArray:
    """Variance of every block."""
    mean = uniform_filter(picture, BLOCK, mode="nearest")
    return np.maximum(uniform_filter(picture**2, BLOCK, mode="nearest") - mean**2, 0)
