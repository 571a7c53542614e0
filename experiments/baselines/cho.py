"""Cho, Wang and Lee 2012 [19]: "Video deblurring for hand-held cameras using patch-based synthesis".

Faithful: neighbours are registered by homographies; luckiness falls with the extent of a pixel's blur; a candidate
patch is blurred like the blurry frame before the two are compared; nothing is deconvolved. Other than the authors':
one pass from the blurry frames, where they refine the homographies and draw on frames already restored; one patch at
every pixel, each the best of a full search in a small window, where they have sparser patches; the duty cycle is given.
The widths below were chosen here. A frame is its own candidate too, so that it stays as it is where no other fits.
"""

from collections.abc import Iterator

import cv2
import jax
import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.baselines.homography import homographies, homography_flow
from gvd_jax.shapes import HostArray

PATCH = (11, 11)  # pixels, [19]
REACH = 5  # pixels: the search window is 11x11, [19]
SHIFTS = [(y, x) for y in range(-REACH, REACH + 1) for x in range(-REACH, REACH + 1)]
NEIGHBOURS = 5  # frames on either side
DIFFERENCE = 0.02  # display values: a patch that differs by this root mean square counts exp(-1/2)
EXTENT = 2.0  # pixels of blur that count exp(-1/2)
OUTSIDE = 2.0  # display value: stands for what a neighbour does not hold, unlike all that is seen
LEAST = 20.0  # weights are exp(-LEAST) at least, that running sums in doubles can tell them from none


def deblur(frames: HostArray, duty_cycle: float) -> HostArray:
    """Frames [T, H, W, C] put together from the sharp patches of their neighbours, display values in [0, 1], T >= 2.

    `frames` have the same shape; `duty_cycle` is tau = exposure / (2 frame interval). Raises `InputError` if two
    frames cannot be registered.
    """
    frames = frames.astype(np.float32)
    count, height, width, _ = frames.shape
    matrices = homographies(frames.mean(-1))
    flow = homography_flow(matrices, height, width)
    samples = gvd.samples_for(jnp.asarray(flow), jnp.full(count, duty_cycle))
    extent = duty_cycle * np.linalg.norm(flow, axis=-1).sum(1)
    restored = []
    for i in range(count):
        near = range(max(i - NEIGHBOURS, 0), min(i + NEIGHBOURS + 1, count))
        maps = [_between(matrices, i, j) for j in near]
        aligned = [_warp(frames[j], m) for j, m in zip(near, maps, strict=True)]
        extents = [_warp(extent[j], m) for j, m in zip(near, maps, strict=True)]
        blurred = [_blurred_like(flow[i], frame, duty_cycle, samples) for frame in aligned]
        restored.append(synthesize(frames[i], aligned, blurred, extents))
    return np.stack(restored).astype(np.float32)


def synthesize(
    blurry: HostArray, aligned: list[HostArray], blurred: list[HostArray], extents: list[HostArray]
) -> HostArray:
    """One frame [H, W, C] out of neighbours that are `aligned` with it, [H, W, C] each and NaN outside their frames.

    `blurred` are the neighbours under the frame's own blur, `extents` [H, W] how long their own is, in pixels.
    At every pixel the patch is taken whose blurred version is nearest to the `blurry` one, and whose blur is short;
    overlapping patches are averaged by exp(-difference^2 / 2 DIFFERENCE^2) times their luckiness.
    """
    shape = blurry.shape[:2]
    best, chosen = np.full(shape, np.inf), np.zeros(shape, int)
    for j, (candidate, extent) in enumerate(zip(blurred, extents, strict=True)):
        unlucky = np.nan_to_num(np.square(extent / EXTENT) / 2, nan=np.inf)
        for k, moved in enumerate(_shifted(np.nan_to_num(candidate, nan=OUTSIDE))):
            error = moved - blurry
            square = np.einsum("hwc,hwc->hw", error, error) / blurry.shape[-1]
            cost = cv2.blur(square, PATCH) / (2 * DIFFERENCE**2) + unlucky
            chosen[cost < best] = j * len(SHIFTS) + k
            best = np.minimum(best, cost)
    weight = np.exp(-np.minimum(best, LEAST))
    total, weights = np.zeros(blurry.shape), np.zeros((*shape, 1))
    for j, sharp in enumerate(aligned):
        for k, moved in enumerate(_shifted(np.nan_to_num(sharp, nan=OUTSIDE))):
            share = cv2.blur(np.where(chosen == j * len(SHIFTS) + k, weight, 0.0), PATCH)
            share = np.where(moved[..., 0] == OUTSIDE, 0.0, np.maximum(share, 0.0))[..., None]
            total += share * moved
            weights += share
    return total / weights


def _between(matrices: HostArray, i: int, j: int) -> HostArray:
    """The homography [3, 3] from frame i to frame j, step by step."""
    step = np.sign(j - i)
    matrix = np.eye(3)
    for k in range(i, j, step or 1):
        matrix = matrices[k, 0 if step > 0 else 1] @ matrix
    return matrix


def _warp(image: HostArray, matrix: HostArray) -> HostArray:
    """The image [H, W] or [H, W, C] at the points `matrix` x, bicubic; NaN outside."""
    size = image.shape[1::-1]
    inverse = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    read = cv2.warpPerspective(image.astype(np.float32), matrix, size, flags=inverse, borderMode=cv2.BORDER_REPLICATE)
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width]
    flow = homography_flow(matrix, height, width)
    x, y = x + flow[..., 0], y + flow[..., 1]
    outside = (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)
    read[outside] = np.nan
    return read


def _blurred_like(flow: HostArray, frame: HostArray, duty_cycle: float, samples: int) -> HostArray:
    """The frame [H, W, C] under the blur of the `flow` [2, H, W, 2]; NaN where it needs what is NaN."""
    return np.asarray(_blur(gvd.MotionBlur(samples=samples), jnp.asarray(flow[None]), frame[None], duty_cycle)[0])


@jax.jit
def _blur(blur: gvd.MotionBlur, flow: jax.Array, frames: jax.Array, duty_cycle: jax.Array) -> jax.Array:
    return blur(frames, gvd.Unknowns(flow=flow), gvd.observe(frames, duty_cycle))


def _shifted(image: HostArray) -> Iterator[HostArray]:
    """image(x + shift) for all of `SHIFTS`, [H, W, C]; beyond the border all is `OUTSIDE`."""
    height, width, _ = image.shape
    padded = np.pad(image, ((REACH, REACH), (REACH, REACH), (0, 0)), constant_values=OUTSIDE)
    for y, x in SHIFTS:
        yield padded[REACH + y : REACH + y + height, REACH + x : REACH + x + width]
