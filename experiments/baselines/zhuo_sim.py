"""Defocus from the gradients at edges (Zhuo and Sim, "Defocus map estimation from a single image", 2011).

Faithful: the ratio of gradients between the frame and its re-blur at Canny edges, a joint bilateral filter of that
sparse map, and its propagation by the matting Laplacian. Other than its authors': the variance that a central
difference adds to an edge is taken off, which matters below 1 px; thresholds of the edges and widths of the bilateral
filter are ours. Weaker: a ratio at single pixels, as theirs, is blind to edges that stand closer than the re-blur.
"""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.feature import canny

from experiments.baselines.matting import propagate
from gvd_jax.shapes import HostArray

REBLUR = 1.0  # sigma_0, pixels
WIDEST = 5.0  # pixels: an edge that seems wider is noise, and no edge
CENTRAL_DIFFERENCE = 1 / 3  # squared pixels: its variance, that of a box 2 px wide
CANNY = 1.0  # pixels, standard deviation; the thresholds are scikit-image's
NEAR, ALIKE = 0.05, 0.1  # of the joint bilateral filter: standard deviations over the frame's height, display values


def edge_defocus(gray: HostArray) -> tuple[HostArray, HostArray]:
    """Standard deviation of the Gaussian, pixels [H, W], at edges, and which pixels those are, bool [H, W]; else 0."""
    ratio = _slope(gray) / np.maximum(_slope(gaussian_filter(gray, REBLUR, mode="nearest")), 1e-6)
    variance = REBLUR**2 / np.maximum(ratio**2 - 1, 1e-6) - CENTRAL_DIFFERENCE
    edges = canny(gray.astype(np.float64), CANNY) & (variance < WIDEST**2)
    return np.where(edges, np.sqrt(np.maximum(variance, 0)), 0).astype(np.float32), edges


def defocus_map(frame: HostArray) -> HostArray:
    """Standard deviation of the Gaussian, pixels [H, W], of a frame [H, W, 3] in [0, 1]; 0 if it has no edges."""
    gray = frame.mean(-1, dtype=np.float32)
    sigma, edges = edge_defocus(gray)
    sums, weights = (_joint_bilateral(x, gray) for x in (sigma, edges.astype(np.float32)))
    smooth = sums / np.maximum(weights, 1e-6)
    return np.clip(propagate(smooth, edges, frame), 0, WIDEST)


def _slope(gray: HostArray) -> HostArray:
    return np.hypot(*np.gradient(gray))


def _joint_bilateral(values: HostArray, gray: HostArray) -> HostArray:
    """The normalisation is over all pixels: of two such means, the ratio is the mean over the edges alone."""
    return cv2.ximgproc.jointBilateralFilter(gray, values, -1, ALIKE, NEAR * len(gray))
