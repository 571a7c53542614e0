"""Non-blind deconvolution under sparse gradients (Krishnan and Fergus, "Fast image deconvolution ...", NIPS 2009).

Faithful: hyper-Laplacian prior, half-quadratic splitting with a growing weight, one division in the frequency domain a
step; a defocus that varies over the frame is handled as Zhuo and Sim (2011) do, by one deconvolution per blur of a
list and a choice per pixel. Other than its authors': a fixed point (Zuo et al., ICCV 2013) stands for their table of
the shrinkage; cosine transforms of a frame that is mirrored at its border stand for Fourier transforms and tapered
edges. Stronger than Zhuo and Sim's: what is sharper than a blur of the list is blurred up to it first, or it would
ring through the frame. Weaker than one deconvolution with the true operator: near a change of defocus.
"""

import jax.numpy as jnp
import numpy as np
from scipy.fft import dctn, idctn
from scipy.ndimage import minimum_filter

import gvd_jax as gvd
from gvd_jax.shapes import HostArray

EXPONENT = 0.8  # of the gradients, Levin et al. (2007); Krishnan and Fergus take 2/3 as well
FIDELITY = 5000.0  # lambda: 2000 there, for 1 % of noise; more here, for 8 bits and 0.3 %
WEIGHTS = [2 * 8 ** (k / 2) for k in range(8)]  # of the splitting; beta there
SHRINKAGES = 4  # of the fixed point
REACH = 2.0  # standard deviations: how far around a sharper place the blurring up goes
SPACING = 0.25  # pixels between the standard deviations that the whole frame is deconvolved with


def deconvolve(frame: HostArray, defocus: HostArray) -> HostArray:
    """Frame [H, W, C] in [0, 1] freed of a Gaussian blur with standard deviation `defocus` [H, W], pixels.

    Between two of the blurs that the frame was deconvolved with, the results are blended linearly; 0 is the frame, and
    more than 3 is taken for 3, which the blurring up ends at.
    """
    place = np.clip(defocus, 0.0, gvd.DEFOCUS.upper) / SPACING
    sharp = np.zeros(frame.shape, np.float32)
    for k in range(int(np.ceil(place.max())) + 1):
        share = np.maximum(1 - np.abs(place - k), 0.0)
        if share.any():
            sharp += share[..., None] * (uniformly(_evened(frame, defocus, k * SPACING), k * SPACING) if k else frame)
    return np.clip(sharp, 0.0, 1.0)


def _evened(frame: HostArray, defocus: HostArray, sigma: float) -> HostArray:
    """The frame with its sharper parts blurred up to `sigma`, so that they do not ring into the others."""
    sharpest = minimum_filter(defocus, 2 * int(np.ceil(REACH * sigma)) + 1)
    missing = np.sqrt(np.maximum(sigma**2 - sharpest**2, 0.0))
    image, unknowns = jnp.asarray(frame)[None], gvd.Unknowns(defocus=jnp.asarray(missing, jnp.float32)[None])
    return np.asarray(gvd.GaussianDefocus()(image, unknowns, gvd.observe(image, 0.0))[0])


def uniformly(frame: HostArray, sigma: float) -> HostArray:
    """Frame [H, W, C] deconvolved with a Gaussian of standard deviation `sigma`, pixels: the same everywhere."""
    margin = int(np.ceil(4 * sigma))
    # Mirrored upside down, a slope goes on beyond the border; mirrored only, it would break, and a broken slope rings.
    padded = np.pad(frame, ((margin, margin), (margin, margin), (0, 0)), mode="reflect", reflect_type="odd")
    sharp = np.stack([_channel(padded[..., c], sigma) for c in range(frame.shape[-1])], -1)
    return sharp[margin : margin + frame.shape[0], margin : margin + frame.shape[1]]


def _channel(blurry: HostArray, sigma: float) -> HostArray:
    y, x = (np.pi * np.arange(n, dtype=np.float32) / n for n in blurry.shape)
    blur = np.exp(-0.5 * sigma**2 * (y[:, None] ** 2 + x**2))
    laplacian = 4 - 2 * np.cos(y[:, None]) - 2 * np.cos(x)
    explained = FIDELITY * blur * np.asarray(dctn(blurry, norm="ortho"))
    sharp = blurry
    for weight in WEIGHTS:
        gradients = (_shrink(np.diff(sharp, axis=axis), weight) for axis in (0, 1))
        wanted = np.asarray(dctn(_minus_divergence(*gradients), norm="ortho"))
        spectrum = (explained + weight * wanted) / (FIDELITY * blur**2 + weight * laplacian)
        sharp = np.asarray(idctn(spectrum, norm="ortho"))
    return sharp


def _shrink(gradient: HostArray, weight: float) -> HostArray:
    """The w that minimises |w|^EXPONENT + weight / 2 (w - gradient)^2."""
    q, size = EXPONENT, np.abs(gradient)
    lowest = (2 * (1 - q) / weight) ** (1 / (2 - q))
    threshold = lowest + q / weight * lowest ** (q - 1)
    kept = np.maximum(size, threshold)
    for _ in range(SHRINKAGES):
        kept = np.maximum(size, threshold) - q / weight * kept ** (q - 1)
    return np.where(size > threshold, np.sign(gradient) * kept, 0.0)


def _minus_divergence(vertical: HostArray, horizontal: HostArray) -> HostArray:
    """The adjoint of the differences between neighbours, [H-1, W] and [H, W-1] to [H, W]."""
    return -np.diff(np.pad(vertical, ((1, 1), (0, 0))), axis=0) - np.diff(np.pad(horizontal, ((0, 0), (1, 1))), axis=1)
