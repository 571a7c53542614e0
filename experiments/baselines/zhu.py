"""Defocus from local spectra (Zhu, Cohen, Schiller and Milanfar, "Estimating spatially varying defocus blur from a
single image", IEEE TIP 2013).

Faithful: a sharp scene has a texture that changes from place to place, and each subband of a windowed Fourier transform
of its gradients then a Gaussian likelihood for every candidate blur, at the texture that makes it largest. Other than
its authors': the spectrum of the scene falls as 1 / f^2, where they take each gradient for white; a frequency is looked
at in the one of two gradients that is nearer to its direction; Gaussian blurs only, no discs. Weaker: a guided filter
of the likelihood and a choice per pixel stand for their map by graph cut, which also asks for smoothness; the subbands
overlap, though they count as independent; and where there is no texture, any candidate may win.
"""

import cv2
import numpy as np
from numpy.fft import fft2, ifft2

from gvd_jax.shapes import HostArray

WINDOW = 11  # pixels, odd: of a map. Larger ones see less noise and more of the neighbours
SIGMAS = np.arange(0.0, 3.01, 0.25)  # pixels: the candidates of a map
NOISE = 0.004  # display values: of 8 bits and a little more
TEXTURE = np.geomspace(1e-8, 1e-1, 40)  # squared display values: variances of sharp gradients, about, that are tried
RADIUS, FLAT = 12, 1e-4  # of the guided filter: pixels; squared display values
# Log likelihood that one pixel may have against a candidate: sharp ones rule a large blur out without bound, while
# blurred ones speak against a small one softly, and a mean over both would say sharp.
AGAINST = 10.0


def log_likelihood(gray: HostArray, sigmas: HostArray, noise: float) -> HostArray:
    """Of each Gaussian blur with a standard deviation of `sigmas` [Q], pixels, at the pixels of gray [H, W]: [Q, H, W].

    `noise` is the standard deviation of the frame's noise, display values.
    """
    height, width = gray.shape
    padded = np.pad(gray.astype(np.float32), WINDOW // 2, mode="symmetric")
    start = 2 * (WINDOW // 2)  # after the margin, and the delay of a window that begins at 0
    spectra = [fft2(_gradient(padded, axis)) for axis in (0, 1)]
    y, x = np.mgrid[:WINDOW, :WINDOW] / WINDOW
    energies = []
    for ky, kx in _bands(WINDOW):
        band = _window(WINDOW) * np.exp(2j * np.pi * (ky * y + kx * x))
        response = ifft2(fft2(band.astype(np.complex64), padded.shape) * spectra[int(abs(kx) >= abs(ky))])
        energies.append(np.abs(response[start : start + height, start : start + width]) ** 2)
    likelihood = _best_texture(np.stack(energies).reshape(len(energies), -1), WINDOW, sigmas, noise)
    return likelihood.reshape(-1, height, width)


def patch_likelihood(patch: HostArray, sigmas: HostArray, noise: float) -> HostArray:
    """As `log_likelihood`, with the whole of a square patch [N, N] for a window, at its centre: [Q]."""
    size = len(patch)
    spectra = [fft2(_window(size) * _gradient(patch, axis)) for axis in (0, 1)]
    energies = [np.abs(spectra[int(abs(kx) >= abs(ky))][ky, kx]) ** 2 for ky, kx in _bands(size)]
    return _best_texture(np.array(energies)[:, None], size, sigmas, noise)[:, 0]


def defocus_map(frame: HostArray, noise: float = NOISE) -> HostArray:
    """Standard deviation of the Gaussian, pixels [H, W], of a frame [H, W, C]: the likeliest of `SIGMAS`."""
    gray = frame.mean(-1, dtype=np.float32)
    likelihood = log_likelihood(gray, SIGMAS, noise).astype(np.float32)
    likelihood = np.maximum(likelihood - likelihood.max(0), -AGAINST)
    smooth = [cv2.ximgproc.guidedFilter(frame, each, RADIUS, FLAT) for each in likelihood]
    return SIGMAS[np.argmax(smooth, axis=0)].astype(np.float32)


def _window(size: int) -> HostArray:
    return np.outer(np.hanning(size), np.hanning(size))


def _gradient(gray: HostArray, axis: int) -> HostArray:
    return np.roll(gray, -1, axis) - gray  # the last is wrong, and no window weighs it


def _bands(size: int) -> list[tuple[int, int]]:
    """Frequencies (vertical, horizontal) of half the plane, in cycles per window; 0 has no blur to tell."""
    most = (size - 1) // 2
    each = range(-most, most + 1)
    return [(ky, kx) for ky in each for kx in each if (ky, kx) > (0, 0)]


def _best_texture(energies: HostArray, size: int, sigmas: HostArray, noise: float) -> HostArray:
    """Log likelihood [Q, P] of the blurs, of subband energies [B, P]: exponentials of mean texture * signal + noise."""
    signal, floor = _expected(size, sigmas)
    best = []
    for blurred in signal:
        mean = TEXTURE[:, None] * blurred + noise**2 * floor
        likelihood = -(1 / mean).astype(energies.dtype) @ energies - np.log(mean).sum(1)[:, None]
        best.append(likelihood.max(0))
    return np.stack(best)


def _expected(size: int, sigmas: HostArray) -> tuple[HostArray, HostArray]:
    """Energies of the subbands of a sharp scene of texture 1 under each blur [Q, B], and of white noise [B]."""
    grid = 2 * size  # twice the window, so that its correlation with itself does not meet itself
    omega = 2 * np.pi * np.fft.fftfreq(grid)
    square = omega[:, None] ** 2 + omega**2
    scene = 1 / np.maximum(square, omega[1] ** 2)
    window = ifft2(np.abs(fft2(_window(size), (grid, grid))) ** 2)
    bands = np.array(_bands(size))
    places = (2 * bands[:, 0], 2 * bands[:, 1])
    nearer = np.abs(bands[:, 1]) >= np.abs(bands[:, 0])

    def seen(power: HostArray) -> HostArray:
        """By the windows, in the gradients: power [grid, grid] of an image to energies [B]."""
        each = (fft2(ifft2((2 - 2 * np.cos(w)) * power) * window).real for w in (omega[:, None], omega))
        vertical, horizontal = (energy[places] for energy in each)
        return np.where(nearer, horizontal, vertical)

    return np.stack([seen(scene * np.exp(-(sigma**2) * square)) for sigma in sigmas]), seen(np.ones_like(square))
