"""Deblurring of one global motion: homographies between frames, as in Li et al. 2010 [9] and Cho et al. 2012 [19].

Faithful: the blurry frames are registered to their neighbours, and every pixel's kernel follows from the two
homographies of its frame and the duty cycle. Weaker: the authors refine their homographies with the latent frames, here
they are those of the blurry frames. Stronger: the authors deconvolve (Li et al. into one panorama, by conjugate
gradients with a smoothness prior), here the project's own latent solve does it, with its temporal term, its weights and
its blend towards the blurry frames.
"""

import cv2
import numpy as np

import gvd_jax as gvd
from experiments.exact import restore_with
from gvd_jax.shapes import HostArray

SMALLEST = 24  # pixels: the smaller side of the coarsest level is at least this, and less than twice
ITERATIONS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-5)  # of ECC, and the gain where it stops
SMOOTHING = 1.0  # pixels: std of the Gaussian before ECC; ECC's own one takes what is outside the frame for black
DOUBLE = np.diag([2.0, 2.0, 1.0])  # from a level of the pyramid to the next finer one


def homographies(gray: HostArray) -> HostArray:
    """Of each frame to its next and its previous one, [T, 2, 3, 3], for points (x, y, 1) in pixels; [9], [19].

    `gray` [T, H, W] display values in [0, 1], T >= 2. The way back is the inverse of the way there; beyond the ends the
    motion goes on as it was. Raises `InputError` if two frames cannot be registered.
    """
    forward = [_register(gray[i], gray[i + 1], i) for i in range(len(gray) - 1)]
    backward = [np.linalg.inv(matrix) for matrix in forward]
    forward.append(backward[-1])
    backward.insert(0, np.linalg.inv(forward[0]))
    return np.stack([forward, backward], 1)


def _register(here: HostArray, there: HostArray, number: int) -> HostArray:
    """The homography [3, 3] by which here(x) is there(H x), found by ECC: a shift first, coarse to fine from zero."""
    levels: list[HostArray] = [np.stack([here, there], -1).astype(np.float32)]
    while min(levels[-1].shape[:2]) >= 2 * SMALLEST:
        levels.append(cv2.pyrDown(levels[-1]))
    matrix = np.eye(3)
    try:
        for level in levels[:0:-1]:
            # What a coarse level cannot tell apart from a shift would lead a homography astray.
            matrix = DOUBLE @ _ecc(level, matrix, cv2.MOTION_TRANSLATION) @ np.linalg.inv(DOUBLE)
        return _ecc(levels[0], matrix, cv2.MOTION_HOMOGRAPHY)
    except cv2.error as error:
        raise gvd.InputError(
            f"no homography leads from frame {number} to the next: give frames with texture that mostly overlap"
        ) from error


def _ecc(pair: HostArray, start: HostArray, motion: int) -> HostArray:
    """The transform [3, 3] from one frame of a `pair` [H, W, 2] to the other, near `start`."""
    here, there = np.moveaxis(cv2.GaussianBlur(pair, (0, 0), SMOOTHING), -1, 0)
    rows = 3 if motion == cv2.MOTION_HOMOGRAPHY else 2
    everywhere = np.ones(here.shape, np.uint8)
    _, found = cv2.findTransformECC(here, there, start[:rows].astype(np.float32), motion, ITERATIONS, everywhere, 1)
    matrix = np.eye(3)
    matrix[:rows] = found
    return matrix / matrix[2, 2]


def homography_flow(matrices: HostArray, height: int, width: int) -> HostArray:
    """The flow [..., H, W, 2], float32 pixels (x, y), of matrices [..., 3, 3] between frames of that size."""
    y, x = np.mgrid[:height, :width].astype(float)
    points = np.stack([x, y, np.ones_like(x)], -1)
    moved = np.einsum("...ij,hwj->...hwi", matrices, points)
    return (moved[..., :2] / moved[..., 2:] - points[..., :2]).astype(np.float32)


def deblur(frames: HostArray, duty_cycle: float) -> tuple[HostArray, HostArray]:
    """Latent frames [T, H, W, C] of blurry ones, display values in [0, 1], T >= 2; and flow [T, 2, H, W, 2], pixels.

    `duty_cycle` is tau = exposure / (2 frame interval). Raises `InputError` as `homographies` does.
    """
    _, height, width, _ = frames.shape
    flow = homography_flow(homographies(frames.mean(-1, dtype=np.float32)), height, width)
    in_focus = np.zeros(frames.shape[:3], np.float32)
    result = restore_with(frames, flow, in_focus, duty_cycle, gvd.Config.default().without_defocus())
    return np.asarray(result.latent), flow
