"""Section 4.1: the duty cycle, from pairs of blurry frames.

Blur each of two neighbouring frames, one warped onto the other, by the kernels of the other: B_i blurred by K_j shows
the same scene as B_j blurred by K_i, because both have then seen both blurs. Kernels too short or too long leave the
two different. So tau is where they differ least, relative to the structure left (flows take the place of the
homographies of reference [19]; that the kernels commute is the approximation of reference [31]).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.occlusion import visibility
from gvd_jax.ops.exposure import Path
from gvd_jax.ops.filters import smooth_gradient
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.transfer import Transfer
from gvd_jax.ops.warp import warp
from gvd_jax.shapes import Array, DutyCycle, Float, Flow, Frames

CANDIDATES = np.linspace(0.02, 0.58, 29)  # beyond 0.5 only so that a minimum near 0.5 is seen from both sides
SAMPLES = 8
SWEEPS = 3


def _mismatch(gray: Frames, flow: Flow, own: DutyCycle, others: Float[Array, "2 T"], path: Path, transfer: Transfer):
    """Squared difference and squared structure of each frame with its next and previous one, each [2, T].

    `own` is tau of every frame, `others` that of its two neighbours. The light is blurred, display values are compared,
    which makes curves comparable.
    """
    frames, _, height, width, _ = flow.shape
    seen = visibility(flow)
    light = transfer.to_linear(gray)
    neighbours = warp(light, flow, 1)
    fields = warp(jnp.moveaxis(flow, 1, 3).reshape(frames, height, width, 4), flow, 1)
    flows = jnp.moveaxis(fields.reshape(frames, 2, height, width, 2, 2), 4, 2)

    def structure(blurred):
        return smooth_gradient(transfer.to_display(blurred))

    def side(direction: int):
        here = structure(motion_blur(path, SAMPLES, light, flows[:, direction], others[direction]))
        there = structure(motion_blur(path, SAMPLES, neighbours[:, direction], flow, own))
        mask = seen[:, direction, :, :, None]
        difference = (mask * jnp.square(here - there)).sum((1, 2, 3))
        return difference, (mask * (jnp.square(here) + jnp.square(there))).sum((1, 2, 3))

    (d_next, s_next), (d_last, s_last) = side(0), side(1)
    return jnp.stack([d_next, d_last]), jnp.stack([s_next, s_last])


@partial(jax.jit, static_argnames=("path", "transfer"))
def _clip_curve(gray: Frames, flow: Flow, candidates: jax.Array, path: Path, transfer: Transfer):
    frames = gray.shape[0]

    def one(tau):
        return _mismatch(gray, flow, jnp.full(frames, tau), jnp.full((2, frames), tau), path, transfer)

    return jax.lax.map(one, candidates)


@partial(jax.jit, static_argnames=("path", "transfer"))
def _frame_curve(gray: Frames, flow: Flow, tau: DutyCycle, candidates: jax.Array, path: Path, transfer: Transfer):
    others = jnp.stack([jnp.roll(tau, -1), jnp.roll(tau, 1)])
    return jax.lax.map(lambda t: _mismatch(gray, flow, jnp.full_like(tau, t), others, path, transfer), candidates)


def _tells(curve: np.ndarray) -> bool:
    """Whether the candidates differ: kernels that are equal in both frames (uniform motion) agree under every tau."""
    return bool(curve.max() > 2 * curve.min())


def _lowest(curve: np.ndarray) -> float:
    """Abscissa of the parabola's minimum through the lowest candidate and its neighbours, within (0, 0.5]."""
    k = int(np.argmin(curve))
    best = CANDIDATES[k]
    if 0 < k < len(curve) - 1:
        a, b, c = curve[k - 1], curve[k], curve[k + 1]
        if a - 2 * b + c > 0:
            best += 0.5 * (CANDIDATES[1] - CANDIDATES[0]) * (a - c) / (a - 2 * b + c)
    return float(np.clip(best, CANDIDATES[0], 0.5))


def _known_pairs(frames: int) -> np.ndarray:
    """1 for the pairs [2, T] whose flows are all measured: the end frames know the motion on one side only."""
    inner = (np.arange(frames) > 0) & (np.arange(frames) < frames - 1)
    known = np.stack([inner & np.roll(inner, -1), inner & np.roll(inner, 1)])
    exists = np.stack([np.arange(frames) < frames - 1, np.arange(frames) > 0])
    return (known if known.any() else exists).astype(float)


def clip_mismatch(gray: Frames, flow: Flow, path: Path, transfer: Transfer) -> np.ndarray:
    """How much neighbours differ after both blurs, relative to their structure, for every candidate tau."""
    difference, structure = _clip_curve(gray, flow, jnp.asarray(CANDIDATES, gray.dtype), path, transfer)
    pairs = _known_pairs(gray.shape[0])
    total = (pairs * np.asarray(structure)).sum((1, 2))
    return (pairs * np.asarray(difference)).sum((1, 2)) / np.maximum(total, 1e-9)


def find_duty_cycle(gray: Frames, flow: Flow, path: Path, transfer: Transfer) -> float:
    """One tau for the clip [T, H, W, 1] of display values with the given flow; 0.5 where nothing moves or differs."""
    curve = clip_mismatch(gray, flow, path, transfer)
    return _lowest(curve) if _tells(curve) else 0.5


def frame_duty_cycles(gray: Frames, flow: Flow, start: DutyCycle, path: Path, transfer: Transfer) -> DutyCycle:
    """tau of every frame, each in turn refined against its neighbours' from `start`, [T]."""
    frames = gray.shape[0]
    exists = np.stack([np.arange(frames) < frames - 1, np.arange(frames) > 0])
    tau = np.asarray(start, float)
    for _ in range(SWEEPS):
        candidates = jnp.asarray(CANDIDATES, gray.dtype)
        curve = _frame_curve(gray, flow, jnp.asarray(tau, gray.dtype), candidates, path, transfer)
        difference, structure = ((exists * np.asarray(part)).sum(1) for part in curve)
        curves = (difference / np.maximum(structure, 1e-9)).T
        found = [_lowest(c) if _tells(c) else t for c, t in zip(curves, tau, strict=True)]
        tau = (tau + np.array(found)) / 2  # all frames move at once: half a step keeps pairs from trading places
    return jnp.asarray(tau, gray.dtype)
