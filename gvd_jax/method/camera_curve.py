"""The camera curve under which the blur adds up: the one in which neighbouring frames explain each other best.

Blur each of two neighbouring frames, one warped onto the other, by the kernels of the other: B_i blurred by K_j shows
the same scene as B_j blurred by K_i, because both have then seen both blurs, in light (flows take the place of the
homographies of reference [19]; that the kernels commute is the approximation of reference [31]).
"""

from dataclasses import dataclass
from functools import partial

import jax.numpy as jnp
import numpy as np

from gvd_jax.method.occlusion import visibility
from gvd_jax.method.programs import brief_jit
from gvd_jax.ops.exposure import Path
from gvd_jax.ops.filters import smooth_gradient
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.transfer import NONE, Transfer, power_transfer
from gvd_jax.ops.warp import neighbour_exists, one_shot, warp
from gvd_jax.shapes import Array, Bool, Continues, DutyCycle, Float, Flow, Frames, HostArray

SAMPLES = 8
GAMMAS = (1.0, 1.8, 2.4, 3.0)  # none, and what cameras have
USUAL, SPREAD = 2.4, 0.5  # sRGB, and how far cameras are from it
UNKNOWN = 0.45  # standard deviation of a gamma: nearly as much is known of any camera
SURE = 0.015  # of the mismatch: a gamma that is `SPREAD` off the usual one has to leave so much less
PAIRS = 0.1  # how far pairs are apart in what they prefer, where too few are there to tell
# Mismatch of a pair, relative to structure: what comes of reading between pixels, and tells nothing of curves; and
# what is that of a wrong flow, in any pair, and in one of a clip as times the median.
READING, LOST, ODD = 0.003, 0.2, 5.0
CLEARLY = 0.95  # of the mismatch under the usual curve: display values themselves are blurred in files made of others


@dataclass(frozen=True)
class FoundTransfer:
    """The curve, and the standard deviation of its gamma; of none, at 1, the less the surer display values add up."""

    transfer: Transfer
    uncertainty: float


@partial(brief_jit, static_argnames=("path",))
def mismatch(
    frames: Frames,
    flow: Flow,
    duty_cycle: DutyCycle,
    continues: Continues,
    trust: Float[Array, "T H W"],
    transfer: Transfer,
    path: Path,
) -> Float[Array, "2 T"]:
    """How much every frame and the next one differ after both blurs, and the structure of both, sums of squares.

    The light is blurred, display values are compared, which makes curves comparable. Pairs count whose flows are all
    measured: the end frames know the motion on one side only. Both are 0 of the others. `trust` is how far the frames
    show the scene.
    """
    of_both = trust[..., None] * warp(trust[..., None], flow, 1)[:, 0]
    seen = of_both * visibility(flow, continues)[:, 0, :, :, None]
    light = transfer.to_linear(transfer.gray(frames))
    of_next = warp(light, flow, 1)[:, 0]
    flow_of_next = jnp.stack([warp(flow[:, k], flow, 1)[:, 0] for k in (0, 1)], 1)

    def structure(blurred):
        return smooth_gradient(transfer.to_display(blurred))

    here = structure(motion_blur(path, SAMPLES, light, flow_of_next, jnp.roll(duty_cycle, -1)))
    there = structure(motion_blur(path, SAMPLES, of_next, flow, duty_cycle))
    difference = (seen * jnp.square(here - there)).sum((1, 2, 3))
    whole = (seen * (jnp.square(here) + jnp.square(there))).sum((1, 2, 3))
    return jnp.where(_known_pairs(continues)[None], jnp.stack([difference, whole]), 0)


def _known_pairs(continues: Continues) -> Bool[Array, "T"]:
    """Every frame whose flow and that of the next one are measured; if none is, all that have a next one."""
    both = neighbour_exists(continues, (1, -1)).all(1)
    known = both & jnp.roll(both, -1) & (continues > 0)
    return jnp.where(known.any(), known, continues > 0)


def _votes(squares: Float[HostArray, "curves 2 T"]) -> Float[HostArray, "curves pairs"]:
    """The logarithm of the mismatch, relative to structure and beside that of `READING`, of every pair under every
    curve.

    Every known pair has one vote, however large its mismatch: a few odd ones must not decide, such as those beside
    frames that were lost. None has who is explained by no curve.
    """
    difference, whole = squares.swapaxes(0, 1)
    mismatches = difference / np.maximum(whole, 1e-9)
    mismatches = mismatches[:, whole.min(0) > 0]
    usual = mismatches[GAMMAS.index(USUAL)]
    explained = usual <= np.minimum(ODD * np.median(usual), LOST) if usual.size else usual > 0
    return np.log(mismatches[:, explained] + READING)


def _standard_error(values: Float[HostArray, "pairs"]) -> float:
    """Of their mean."""
    spread = values.std(ddof=1) if len(values) > 2 else PAIRS
    return float(spread / len(values) ** 0.5)


def find_transfer(
    frames: Frames,
    flow: Flow,
    duty_cycle: DutyCycle,
    path: Path,
    continues: Continues | None = None,
    trust: Float[Array, "T H W"] | None = None,
) -> FoundTransfer:
    """The curve of the frames [T, H, W, C], display values, whose flow and duty cycle [T] are given;
    `continues` [T] is 0 before a cut, by default there is none; `trust` is how far they show the scene, by default 1.

    In a camera light adds up, and the curve is a power near that of sRGB; display values add up in clips that were made
    by averaging files, which leaves clearly less mismatch under none.
    """
    continues = one_shot(len(frames), frames.dtype) if continues is None else continues
    trust = jnp.ones(frames.shape[:3], frames.dtype) if trust is None else trust
    curves = [power_transfer(jnp.asarray(gamma, frames.dtype)) for gamma in GAMMAS]
    votes = _votes(np.stack([mismatch(frames, flow, duty_cycle, continues, trust, curve, path) for curve in curves]))
    if not votes.size:
        return FoundTransfer(power_transfer(jnp.asarray(USUAL, frames.dtype)), SPREAD)
    less = votes[0] - votes[GAMMAS.index(USUAL)]
    sure = (np.log(CLEARLY) - less.mean()) / _standard_error(less)  # standard errors beyond what is clear
    if sure > 2:
        return FoundTransfer(NONE, SPREAD / float(sure))
    cost = votes[1:].mean(1) + SURE * ((np.array(GAMMAS[1:]) - USUAL) / SPREAD) ** 2
    bend, slope, _ = np.polyfit(GAMMAS[1:], cost, 2)
    gamma = float(np.clip(-slope / (2 * bend), GAMMAS[1], GAMMAS[-1])) if bend > 0 else USUAL
    # If nothing but what is usual bends the cost, that has the spread of what is usual.
    uncertainty = min((SURE / bend) ** 0.5, SPREAD) if bend > 0 else SPREAD
    return FoundTransfer(power_transfer(jnp.asarray(round(gamma, 2), frames.dtype)), uncertainty)
