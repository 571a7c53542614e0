"""How far a result is from the truth. Frames are [T, H, W, C] display values in [0, 1], host or device arrays."""

import numpy as np
from numpy.typing import ArrayLike
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray

SSIM_WINDOW = 7  # pixels, scikit-image's default


def psnr(result: ArrayLike, truth: ArrayLike) -> HostArray:
    """Peak signal-to-noise ratio of each frame over all pixels and channels, dB [T]; infinite where nothing differs.

    Raises `InputError` if the shapes differ.
    """
    a, b = _pair(result, truth)
    with np.errstate(divide="ignore"):
        return np.array([peak_signal_noise_ratio(t, r, data_range=1.0) for r, t in zip(a, b, strict=True)])


def ssim(result: ArrayLike, truth: ArrayLike) -> HostArray:
    """Structural similarity of each frame, mean over pixels and channels, [T].

    Raises `InputError` if the shapes differ or the frames are smaller than 7x7.
    """
    a, b = _pair(result, truth)
    if min(a.shape[1:3]) < SSIM_WINDOW:
        raise InputError(
            f"SSIM needs frames of {SSIM_WINDOW}x{SSIM_WINDOW} at least; these are {a.shape[2]}x{a.shape[1]}"
        )
    similarity = [structural_similarity(t, r, data_range=1.0, channel_axis=-1) for r, t in zip(a, b, strict=True)]
    return np.array(similarity)


def temporal_consistency(result: ArrayLike, truth: ArrayLike) -> float:
    """Mean |(result - truth)(t + 1) - (result - truth)(t)|: how much the error flickers. 0 for a single frame.

    Raises `InputError` if the shapes differ.
    """
    a, b = _pair(result, truth)
    change = np.diff(a - b, axis=0)
    return float(np.abs(change).mean()) if len(change) else 0.0


def end_point_error(flow: ArrayLike, truth: ArrayLike, visible: ArrayLike) -> float:
    """Mean distance in pixels between flows [T, 2, H, W, 2] where `visible` [T, 2, H, W] is true.

    Raises `InputError` if the shapes differ or nothing is visible.
    """
    a, b = _pair(flow, truth)
    return float(np.linalg.norm(a - b, axis=-1)[_mask(visible, a.shape[:-1])].mean())


def defocus_error(defocus: ArrayLike, truth: ArrayLike, mask: ArrayLike) -> float:
    """Root mean square difference in pixels of defocus maps [T, H, W] where `mask` [T, H, W] is true.

    Raises `InputError` if the shapes differ or the mask is empty.
    """
    a, b = _pair(defocus, truth)
    return float(np.sqrt(np.mean((a - b)[_mask(mask, a.shape)] ** 2)))


def _pair(result: ArrayLike, truth: ArrayLike) -> tuple[HostArray, HostArray]:
    a, b = np.asarray(result, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape:
        raise InputError(
            f"a result of shape {a.shape} and a truth of shape {b.shape} cannot be compared; give equal shapes"
        )
    return a, b


def _mask(mask: ArrayLike, shape: tuple[int, ...]) -> HostArray:
    where = np.asarray(mask, bool)
    if where.shape != shape or not where.any():
        raise InputError(
            f"a mask of shape {where.shape} with {where.sum()} pixels does not fit; mark pixels of {shape}"
        )
    return where
