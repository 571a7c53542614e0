"""The camera curve under which the blur adds up: the one in which neighbouring frames explain each other best.

Blur each of two neighbouring frames, one warped onto the other, by the kernels of the other: B_i blurred by K_j shows
the same scene as B_j blurred by K_i, because both have then seen both blurs, in light (flows take the place of the
homographies of reference [19]; that the kernels commute is the approximation of reference [31]).
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.occlusion import visibility
from gvd_jax.ops.exposure import Path
from gvd_jax.ops.filters import smooth_gradient
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.transfer import NONE, Transfer, power_transfer
from gvd_jax.ops.warp import warp
from gvd_jax.shapes import DutyCycle, Flow, Frames, Scalar

SAMPLES = 8
GAMMAS = (1.0, 1.8, 2.4, 3.0)  # none, and what cameras have
USUAL, SPREAD = 2.4, 0.5  # sRGB, and how far cameras are from it
SURE = 0.015  # of the mismatch: a gamma that is `SPREAD` off the usual one has to leave so much less
CLEARLY = 0.95  # of the mismatch under the usual curve: display values themselves are blurred in files made of others


@dataclass(frozen=True)
class FoundTransfer:
    """The curve, and the standard deviation of its gamma; 0 where display values add up, which is told apart."""

    transfer: Transfer
    uncertainty: float


@partial(jax.jit, static_argnames="path")
def mismatch(frames: Frames, flow: Flow, duty_cycle: DutyCycle, transfer: Transfer, path: Path) -> Scalar:
    """How much every frame and the next one differ after both blurs, relative to their structure.

    The light is blurred, display values are compared, which makes curves comparable. Pairs count whose flows are all
    measured: the end frames know the motion on one side only.
    """
    seen = visibility(flow)[:, 0, :, :, None]
    light = transfer.to_linear(transfer.gray(frames))
    of_next = warp(light, flow, 1)[:, 0]
    flow_of_next = jnp.stack([warp(flow[:, k], flow, 1)[:, 0] for k in (0, 1)], 1)

    def structure(blurred):
        return smooth_gradient(transfer.to_display(blurred))

    here = structure(motion_blur(path, SAMPLES, light, flow_of_next, jnp.roll(duty_cycle, -1)))
    there = structure(motion_blur(path, SAMPLES, of_next, flow, duty_cycle))
    difference = (seen * jnp.square(here - there)).sum((1, 2, 3))
    whole = (seen * (jnp.square(here) + jnp.square(there))).sum((1, 2, 3))
    pairs = jnp.asarray(_known_pairs(len(flow)), flow.dtype)
    return (pairs * difference).sum() / jnp.maximum((pairs * whole).sum(), 1e-9)


def _known_pairs(frames: int) -> np.ndarray:
    """1 for every frame [T] whose flow and that of the next one are measured; if none is, for all but the last."""
    first = np.arange(frames)
    known = (first > 0) & (first < frames - 2)
    return known if known.any() else first < frames - 1


def find_transfer(frames: Frames, flow: Flow, duty_cycle: DutyCycle, path: Path) -> FoundTransfer:
    """The curve of the frames [T, H, W, C], display values, whose flow and duty cycle [T] are given.

    In a camera light adds up, and the curve is a power near that of sRGB; display values add up in clips that were made
    by averaging files, which leaves clearly less mismatch under none.
    """
    left = [
        float(mismatch(frames, flow, duty_cycle, power_transfer(jnp.asarray(g, frames.dtype)), path)) for g in GAMMAS
    ]
    if left[0] < CLEARLY * left[GAMMAS.index(USUAL)]:
        return FoundTransfer(NONE, 0.0)
    cost = np.log(np.maximum(left[1:], 1e-9)) + SURE * ((np.array(GAMMAS[1:]) - USUAL) / SPREAD) ** 2
    bend, slope, _ = np.polyfit(GAMMAS[1:], cost, 2)
    gamma = float(np.clip(-slope / (2 * bend), GAMMAS[1], GAMMAS[-1])) if bend > 0 else USUAL
    # If nothing but what is usual bends the cost, that has the spread of what is usual.
    uncertainty = min((SURE / bend) ** 0.5, SPREAD) if bend > 0 else SPREAD
    return FoundTransfer(power_transfer(jnp.asarray(round(gamma, 2), frames.dtype)), uncertainty)
