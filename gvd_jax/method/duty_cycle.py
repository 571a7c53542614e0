"""Section 4.1: the duty cycle of a clip, of its shots and of its frames, by what explains the autocorrelation of blurry
frames along their motion.

The criterion of reference [19], frames that agree once each is blurred by the kernels of the other, agrees best under
kernels far too long wherever the flow is not exact.
"""

from dataclasses import dataclass

import jax
import numpy as np

from gvd_jax.method.autocorrelation import CANDIDATES, Correlations, correlations, explained
from gvd_jax.method.programs import brief_jit
from gvd_jax.ops.exposure import Path, quadratic_path
from gvd_jax.ops.platform import placed
from gvd_jax.ops.warp import neighbour_exists, one_shot, shot_numbers
from gvd_jax.shapes import Array, Bool, Continues, DutyCycle, Flow, Frames, HostArray

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
NOTHING = 0.01  # a share: a tenth of `DOUBT` moves, some 800 pixels of all frames
DOUBTFUL = 0.08  # standard deviation of a duty cycle: two thirds of what is known of any camera
# Of tau: how far what is found is off what fits the truth best, root mean square (experiments/shutter.py, quality.py).
MODEL_ERROR = 0.06


@dataclass(frozen=True)
class FoundDutyCycle:
    """tau, 0 for frames that move and are sharp, or too little to tell, and how sure it is: `share` in [0, 1] of it is
    from the clip.

    `scatter` is by how much tau changes when a frame is left out (jackknife), a standard deviation. `told` is whether
    enough moves; if not, tau is what harms least.
    """

    duty_cycle: float
    share: float
    scatter: float
    told: bool = True

    @property
    def stays(self) -> bool:
        """Whether what moves is too little to be restored."""
        return self.duty_cycle == 0 and not self.told and self.share < NOTHING

    @property
    def uncertainty(self) -> float:
        """The standard deviation of tau, of which frames that agree may all be off."""
        return float(np.hypot(self.scatter, MODEL_ERROR * self.duty_cycle))


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
    return _best_known(np.asarray(_known_sides(one_shot(frames) if continues is None else continues)))


def _best_known(sides: HostArray) -> HostArray:
    """The same, by which sides of every frame are known, bool [T, 2]."""
    return np.flatnonzero(sides.all(1) if sides.all(1).any() else sides.any(1))


def _of_clip(found: Correlations, numbers: HostArray) -> FoundDutyCycle:
    """That of those frames that agree; 0 if they are sharp."""
    numbers = _agreeing(found, numbers)
    if not len(numbers):
        return FoundDutyCycle(USUAL, 0.0, SPREAD, told=False)
    scores, pixels = explained(found, numbers), float(found.count[numbers].sum())
    share = _told(scores, pixels)
    tau = _highest(scores) if share > 0.5 else share * _highest(scores) + (1 - share) * USUAL
    highest = max(float(scores.max()), 0.0)
    length = 2 * _highest(scores) * float(found.speed[numbers].sum()) / max(pixels, 1.0)
    sharp = length < SHORT or (length < LONGER and scores[0] > SHARP * highest)
    if sharp if share > 0.5 else found.mean_speed[numbers].mean() > STILL:
        tau = 0.0
    error = np.hypot(share * _spread(found, numbers), (1 - share) * SPREAD)
    return FoundDutyCycle(tau, share * highest, float(error), told=share > 0.5)


def _agreeing(found: Correlations, numbers: HostArray) -> HostArray:
    """Of the frames with those numbers the ones whose own tau is near the median, so that a few odd ones spoil nothing:
    a flash, a frame of which half stands still."""
    own = np.array([_highest(explained(found, numbers[[k]])) for k in range(len(numbers))])
    if len(own) < FEWEST:
        return numbers
    far = np.abs(own - np.median(own))
    return numbers[far <= max(ODD * np.median(far) / 0.6745, AGREED)]  # .6745 of a standard deviation is the median


def _told(scores: HostArray, pixels: float) -> float:
    """How far so many moving pixels tell the tau."""
    return pixels**2 / (pixels**2 + DOUBT**2) if scores.max() > 0 else 0.0


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

    That of a clip is that of its frames, but in a shot which differs from it for sure, as one of another camera does,
    and in one in which hardly anything moves far enough to be blurred: it could only lose.
    """
    found = jax.tree.map(np.asarray, correlations(frames, flow, path))
    continues = one_shot(len(frames)) if continues is None else continues
    shots, sides = np.asarray(_shots(continues)), np.asarray(_known_sides(continues))
    members = shots == np.arange(shots.max() + 1)[:, None]
    own = [_of_clip(found, _best_known(sides & shot[:, None])) for shot in members]
    if clip is None:
        clip, longest = _of_clip(found, _with_both_neighbours(len(frames), continues)), own[np.bincount(shots).argmax()]
        if any(_differ(shot, longest) for shot in own):
            # What the frames of shots that differ have in common is the tau of none, and says nothing of the others.
            return longest, placed(np.array([shot.duty_cycle for shot in own])[shots], frames.dtype)
    taus = np.array([shot.duty_cycle if shot.stays or _differ(shot, clip) else clip.duty_cycle for shot in own])
    return clip, placed(taus[shots], frames.dtype)


def _differ(a: FoundDutyCycle, b: FoundDutyCycle) -> bool:
    return a.told and b.told and surely_differ((a.duty_cycle, a.scatter), (b.duty_cycle, b.scatter), AGREED)


def surely_differ(a: tuple[float, float], b: tuple[float, float], least: float) -> bool:
    """Whether two values, each with its standard deviation, are so far apart, and at least by `least`."""
    return bool(abs(a[0] - b[0]) > max(ODD * np.hypot(a[1], b[1]), least))


def find_duty_cycles(
    frames: Frames, flow: Flow, path: Path = quadratic_path, continues: Continues | None = None
) -> DutyCycle:
    """tau of every frame, [T], as far as the frame tells; the rest is that of the clip. 0 for a clip that is sharp."""
    found = jax.tree.map(np.asarray, correlations(frames, flow, path))
    clip = _of_clip(found, _with_both_neighbours(len(frames), continues)).duty_cycle
    if clip == 0:
        return placed(np.zeros(len(frames)), frames.dtype)
    scores = [explained(found, np.array([k])) for k in range(len(frames))]
    shares = [_told(own, float(found.count[k].sum())) for k, own in enumerate(scores)]
    taus = [share * _highest(own) + (1 - share) * clip for own, share in zip(scores, shares, strict=True)]
    return placed(taus, frames.dtype)
