"""Section 4.1: the duty cycle, from the autocorrelation of blurry frames along their motion.

During the exposure a point moves over a length l = 2 tau |u|, and the frame is the mean over it. Derived twice along
the motion, the mean leaves its two ends: B'' = (L'(x + l / 2) - L'(x - l / 2)) / l. So whatever the scene is, the
autocorrelation of B'' dips at a lag of l, which is 2 tau of every pixel's own flow (Yitzhaky and Kopeika 1997 have it
for one motion of all). How sharp the dip is, the autocorrelation of L' says, and that can be seen: across the motion
nothing is averaged.

The criterion of reference [19], frames that agree once each is blurred by the kernels of the other, agrees best under
kernels far too long wherever the flow is not exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.programs import brief_jit
from gvd_jax.ops.exposure import Path, quadratic_path
from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.sampling import sample
from gvd_jax.ops.transfer import luma
from gvd_jax.ops.warp import neighbour_exists, one_shot, shot_numbers
from gvd_jax.shapes import Array, Bool, Continues, DutyCycle, Float, Flow, Frames, HostArray
from gvd_jax.trees import pytree

CANDIDATES = np.arange(0.02, 0.601, 0.01)  # beyond 0.5 only so that a maximum near 0.5 is seen from both sides
PIXEL = 1.0  # px: sharp frames look as if they were blurred over the width of a pixel
ALONG = np.arange(0.1, 1.41, 0.05)  # lags along the motion, parts of the flow
ACROSS = np.arange(21.0)  # lags across, pixels
SPEEDS = np.array([3, 4, 5, 6.5, 8, 10, 13, 17, 22, 30, 60])  # px: between two of them is one speed
NEAREST = 3.0  # px: a lag below it compares B'' with itself
SMOOTH = np.array([0.15, 0.7, 0.15])
SOFTNESS = 0.1  # of the mean square: a pixel of more counts like one of less, or a few edges would decide
# Of a pixel whose flows to both neighbours differ by this part of their mean a quarter counts: where motion is not
# even, that within the exposure is another than their mean. Of 24 clips half are off by less than .011 then, not .018
# (.1 to .3 do alike), and beside a gap in time the duty cycle is not halved.
BENT = 0.3
EVERY = 2  # rows and columns: a sample says as much as all
USUAL, SPREAD = 0.25, 0.12  # a shutter of 180 degrees, and how far the shutters of cameras are from it
DOUBT = 8e3  # moving pixels: of so many half is believed
# px per frame: what moves less looks the same under any shutter, and the usual one is taken. What moves more, but too
# little to tell, stays as it is: sharp frames would lose more than blurry ones gain (experiments/footage, "sharp").
STILL = 0.25
# Frames are sharp if the best blur is as short as what lens and sensor do, or hardly longer and no blur at all explains
# nearly as much (experiments/quality.py, experiments/footage: sharp frames are found to be blurred by 2.3 px at most; a
# codec that took the ends of a blur away leaves 3.6 px and more of it, and explains anything nearly as well).
SHARP, SHORT, LONGER = 0.85, 2.4, 3.4  # a share; px
# A frame whose tau is so many standard deviations and so much off the median of at least so many is odd; a shot that
# is so far off the clip has a tau of its own.
ODD, AGREED, FEWEST = 3.0, 0.1, 4
# Of tau: how far what is found is off what fits the truth best, root mean square (experiments/shutter.py, quality.py).
MODEL_ERROR = 0.06


@pytree
class Correlations:
    """Sums over pixels that move, of products and of the squares that bound them. Pixels that move evenly count most.

    `along` and `along_most` [lags, T, speeds] of B'' along the motion; `across` and `across_most` [lags] of L' across
    it; `speed` [T, speeds] is their mean speed times `count` [T, speeds], the pixels. `mean_speed` [T] is that of all.
    """

    along: Float[Array, "lags T speeds"]
    along_most: Float[Array, "lags T speeds"]
    across: Float[Array, "lags"]
    across_most: Float[Array, "lags"]
    speed: Float[Array, "T speeds"]
    count: Float[Array, "T speeds"]
    mean_speed: Float[Array, "T"]


@dataclass(frozen=True)
class FoundDutyCycle:
    """tau, 0 for frames that move and are sharp, or too little to tell, and how sure it is: `share` in [0, 1] of it is
    from the clip.

    `scatter` is by how much tau changes when a frame is left out (jackknife), a standard deviation.
    """

    duty_cycle: float
    share: float
    scatter: float

    @property
    def uncertainty(self) -> float:
        """The standard deviation of tau, of which frames that agree may all be off."""
        return float(np.hypot(self.scatter, MODEL_ERROR * self.duty_cycle))


def _derivatives(gray: Float[Array, "T H W"]) -> tuple[jax.Array, ...]:
    """First and second derivatives by central differences, borders repeated: x, y, xx, yy, xy."""
    _, height, width = gray.shape
    padded = jnp.pad(gray, ((0, 0), (1, 1), (1, 1)), mode="edge")

    def at(row: int, column: int) -> jax.Array:
        return padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    right, left, below, above = at(0, 1), at(0, -1), at(1, 0), at(-1, 0)
    mixed = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    return (right - left) / 2, (below - above) / 2, right + left - 2 * gray, below + above - 2 * gray, mixed


@partial(brief_jit, static_argnames=("path",))
def correlations(frames: Frames, flow: Flow, path: Path) -> Correlations:
    """Autocorrelations of the frames [T, H, W, C] along and across their flow, whose pixels stand on its `path`."""
    gray = correlate_both(luma(frames)[..., 0], SMOOTH)
    count, height, width = gray.shape
    velocity = (flow[:, 0] - flow[:, 1]) / 2
    speed = jnp.sqrt(jnp.square(velocity).sum(-1))
    dx, dy = (velocity[..., k] / jnp.maximum(speed, 1e-6) for k in (0, 1))
    x, y, xx, yy, xy = _derivatives(gray)
    along, across = dx * dx * xx + 2 * dx * dy * xy + dy * dy * yy, dx * y - dy * x

    mean_speed = speed.mean((1, 2))
    flow = flow[:, :, ::EVERY, ::EVERY]
    speed, dx, dy = (part[:, ::EVERY, ::EVERY] for part in (speed, dx, dy))
    rows, columns = (jnp.arange(0, size, EVERY, dtype=gray.dtype) for size in (height, width))
    rows, columns = jnp.meshgrid(rows, columns, indexing="ij")
    limits = jnp.asarray(SPEEDS, gray.dtype)
    member = ((speed[..., None] >= limits[:-1]) & (speed[..., None] < limits[1:])).astype(gray.dtype)
    moves = member.sum(-1) > 0
    bend = jnp.square(flow.sum(1)).sum(-1) / jnp.maximum(jnp.square(2 * speed), 1e-6)
    straight = member / jnp.square(1 + bend / BENT**2)[..., None]

    def products(field: jax.Array, ends: Sequence[tuple[jax.Array, jax.Array]], counts: jax.Array):
        """Of the field at both ends of a way (x, y) through every pixel, and the mean square, divided by their size."""
        read, inside = [], counts
        for right, down in ends:
            row, column = rows[None] + down, columns[None] + right
            read.append(sample(field[..., None], jnp.arange(count), row, column)[..., 0])
            inside = inside & (row >= 1) & (row <= height - 2) & (column >= 1) & (column <= width - 2)
        squares = jnp.square(read[0]) + jnp.square(read[1])
        soft = SOFTNESS * jnp.square(field).mean() + jnp.finfo(gray.dtype).tiny
        weight = jnp.where(inside, 1 / (squares + soft), 0)
        return weight * read[0] * read[1], weight * squares / 2

    def along_at(lag):
        def place(t):
            forward, backward = path(t)
            moved = forward * flow[:, 0] + backward * flow[:, 1]
            return moved[..., 0], moved[..., 1]

        found = products(along, [place(lag / 2), place(-lag / 2)], moves & (lag * speed >= NEAREST))
        return tuple(jnp.einsum("thw,thwb->tb", part, straight) for part in found)

    def across_at(lag):
        found = products(across, [(-lag / 2 * dy, lag / 2 * dx), (lag / 2 * dy, -lag / 2 * dx)], moves)
        return tuple(part.sum() for part in found)

    by_speed, most_by_speed = jax.lax.map(along_at, jnp.asarray(ALONG, gray.dtype))
    whole, most = jax.lax.map(across_at, jnp.asarray(ACROSS, gray.dtype))
    pixels, weight = EVERY**2 * member.sum((1, 2)), jnp.maximum(straight.sum((1, 2)), 1e-9)
    speeds = pixels * (straight * speed[..., None]).sum((1, 2)) / weight
    return Correlations(by_speed, most_by_speed, whole, most, speeds, pixels, mean_speed)


def explained(found: Correlations, frames: HostArray) -> HostArray:
    """How much of the autocorrelation along the motion every candidate tau explains, at most 1."""
    found = jax.tree.map(lambda x: np.asarray(x, float), found)
    along, most = (part[:, frames].sum(1) for part in (found.along, found.along_most))
    count = found.count[frames].sum(0)
    speed = found.speed[frames].sum(0) / np.maximum(count, 1)
    seen = along / np.maximum(most, 1e-9)
    sharp = found.across / np.maximum(found.across_most, 1e-9)

    def of_sharp(lag):
        return np.interp(np.abs(lag), ACROSS, sharp)

    scores = []
    for tau in CANDIDATES:
        length, lag = np.hypot(2 * tau * speed, PIXEL), ALONG[:, None] * speed
        dip = 2 * of_sharp(lag) - of_sharp(lag - length) - of_sharp(lag + length)
        dip = dip / np.maximum(2 * of_sharp(0) - 2 * of_sharp(length), 1e-3)
        # A flow that is not exact makes the dip less deep everywhere alike.
        depth = max((most * seen * dip).sum() / max((most * dip * dip).sum(), 1e-9), 0)
        left, whole = ((most * part**2).sum() for part in (seen - depth * dip, seen))
        scores.append(1 - left / whole if whole > 0 else 0.0)
    return np.array(scores)


def _highest(scores: HostArray) -> float:
    """Abscissa of the parabola's maximum through the highest score and its neighbours, within (0, 0.5]."""
    k = int(np.argmax(scores))
    best = CANDIDATES[k]
    if 0 < k < len(scores) - 1:
        a, b, c = scores[k - 1 : k + 2]
        if a - 2 * b + c < 0:
            best += 0.5 * (CANDIDATES[1] - CANDIDATES[0]) * (a - c) / (a - 2 * b + c)
    return float(np.clip(best, CANDIDATES[0], 0.5))


def find_duty_cycle(
    frames: Frames, flow: Flow, path: Path = quadratic_path, continues: Continues | None = None
) -> FoundDutyCycle:
    """One tau for a clip [T, H, W, C] of display values with the given flow [T, 2, H, W, 2], pixels.

    `continues` [T] is 0 before a cut, by default there is none.
    """
    found = jax.tree.map(np.asarray, correlations(frames, flow, path))
    return _of_clip(found, _with_both_neighbours(len(frames), continues))


_shots = brief_jit(shot_numbers)


@brief_jit
def _known_sides(continues: Continues) -> Bool[Array, "T 2"]:
    return neighbour_exists(continues, (1, -1))


def _with_both_neighbours(frames: int, continues: Continues | None) -> HostArray:
    """The numbers of the frames whose motion is known on both sides; if there are none, of those with a neighbour."""
    known = np.asarray(_known_sides(one_shot(frames) if continues is None else continues))
    return np.flatnonzero(known.all(1) if known.all(1).any() else known.any(1))


def _of_clip(found: Correlations, numbers: HostArray) -> FoundDutyCycle:
    """That of those frames that agree; 0 if they are sharp."""
    numbers = _agreeing(found, numbers)
    if not len(numbers):
        return FoundDutyCycle(USUAL, 0.0, SPREAD)
    scores, pixels = explained(found, numbers), float(found.count[numbers].sum())
    tau, share = _believed(scores, pixels, USUAL)
    highest = max(float(scores.max()), 0.0)
    length = 2 * _highest(scores) * float(found.speed[numbers].sum()) / max(pixels, 1.0)
    sharp = length < SHORT or (length < LONGER and scores[0] > SHARP * highest)
    if sharp if share > 0.5 else found.mean_speed[numbers].mean() > STILL:
        tau = 0.0
    error = np.hypot(share * _spread(found, numbers), (1 - share) * SPREAD)
    return FoundDutyCycle(tau, share * highest, float(error))


def _agreeing(found: Correlations, numbers: HostArray) -> HostArray:
    """Of the frames with those numbers the ones whose own tau is near the median, so that a few odd ones spoil nothing:
    a flash, a frame of which half stands still."""
    own = np.array([_highest(explained(found, numbers[[k]])) for k in range(len(numbers))])
    if len(own) < FEWEST:
        return numbers
    far = np.abs(own - np.median(own))
    return numbers[far <= max(ODD * np.median(far) / 0.6745, AGREED)]  # .6745 of a standard deviation is the median


def _believed(scores: HostArray, pixels: float, usual: float) -> tuple[float, float]:
    """The best tau as far as so many moving pixels tell, for the rest the usual one; and how far that is."""
    share = pixels**2 / (pixels**2 + DOUBT**2) if scores.max() > 0 else 0.0
    return share * _highest(scores) + (1 - share) * usual, share


def _spread(found: Correlations, numbers: HostArray) -> float:
    """Standard deviation of the tau of these frames: how much it changes when one of them is left out."""
    if len(numbers) < 2:
        return SPREAD
    without = [_highest(explained(found, numbers[numbers != k])) for k in numbers]
    return max(float(np.std(without) * np.sqrt(len(numbers) - 1)), (CANDIDATES[1] - CANDIDATES[0]) / 2)


def find_shutters(
    frames: Frames,
    flow: Flow,
    path: Path = quadratic_path,
    continues: Continues | None = None,
    clip: FoundDutyCycle | None = None,
) -> tuple[FoundDutyCycle, DutyCycle]:
    """One tau for a clip, unless that of the whole `clip` is known; and tau of every frame, [T].

    That of a clip is that of its frames, but in a shot which differs from it for sure, as one of another camera does.
    """
    found = jax.tree.map(np.asarray, correlations(frames, flow, path))
    continues = one_shot(len(frames)) if continues is None else continues
    shots, both = np.asarray(_shots(continues)), np.asarray(_known_sides(continues)).all(1)
    own = [_of_clip(found, np.flatnonzero(both & (shots == shot))) for shot in range(shots.max() + 1)]
    if clip is None:
        clip, longest = _of_clip(found, _with_both_neighbours(len(frames), continues)), own[np.bincount(shots).argmax()]
        # What the frames of shots that differ have in common is the tau of none.
        clip = longest if any(_differ(shot, longest) for shot in own) else clip
    taus = np.array([shot.duty_cycle if _differ(shot, clip) else clip.duty_cycle for shot in own])
    return clip, jnp.asarray(taus[shots], frames.dtype)


def _differ(a: FoundDutyCycle, b: FoundDutyCycle) -> bool:
    sure = ODD * np.hypot(a.scatter, b.scatter)
    return bool(abs(a.duty_cycle - b.duty_cycle) > max(sure, AGREED))


def find_duty_cycles(
    frames: Frames, flow: Flow, path: Path = quadratic_path, continues: Continues | None = None
) -> DutyCycle:
    """tau of every frame, [T], as far as the frame tells; the rest is that of the clip. 0 for a clip that is sharp."""
    found = jax.tree.map(np.asarray, correlations(frames, flow, path))
    clip = _of_clip(found, _with_both_neighbours(len(frames), continues)).duty_cycle
    if clip == 0:
        return jnp.zeros(len(frames), frames.dtype)
    scores = [explained(found, np.array([k])) for k in range(len(frames))]
    taus = [_believed(own, float(found.count[k].sum()), clip)[0] for k, own in enumerate(scores)]
    return jnp.asarray(taus, frames.dtype)
