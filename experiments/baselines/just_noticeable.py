"""Small defocus from sparse codes (Shi, Xu and Jia, "Just noticeable defocus blur detection ...", CVPR 2015).

Faithful: a dictionary of slightly blurred patches; the number of atoms that a patch needs is small where it is
blurred, and is read as a standard deviation from training photographs. Other than its authors': orthogonal matching
pursuit to a share of the patch's energy stands for their sparse coding, a guided filter for their edge-preserving
smoothing. Weaker: few atoms of few photographs, learned in seconds; every second pixel; one count of atoms for
each defocus, whatever the photograph shows: faint texture drowns in noise and seems more blurred than it is.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.isotonic import IsotonicRegression

from gvd_jax.shapes import HostArray

PATCH = 8  # pixels
ATOMS = 64
LEARNED_FROM = 2.0  # pixels: the defocus of the patches that the atoms are learned from
SIGMAS = np.arange(0.0, 3.01, 0.25)  # pixels: calibrated at these
SAMPLES, PIECES = 4000, 1500  # patches for the atoms, and for each standard deviation of the calibration
UNEXPLAINED = 0.04  # share of a patch's energy that its code may leave
NOISE = 0.004  # display values, of 8 bits and a little more: is not explained either
FAINTEST = 2.0  # times the noise: patches with less contrast say nothing
MOST = 32  # atoms of one code
STRIDE = 2  # pixels between the patches of a map
RADIUS, FLAT = 4, 1e-3  # of the guided filter: patches; squared display values


@dataclass(frozen=True)
class Dictionary:
    """Unit atoms [ATOMS, PATCH^2] and the mean number of them that patches of defocus `SIGMAS` need, descending."""

    atoms: HostArray
    needed: HostArray


def learn_dictionary(photographs: list[HostArray]) -> Dictionary:
    """From sharp photographs [H, W, C] in [0, 1], each of its own size; others than the map is asked of."""
    rng = np.random.default_rng(0)
    grays = [photograph.mean(-1, dtype=np.float32) for photograph in photographs]

    def examples(sigma: float, count: int) -> HostArray:
        blurred = (gaussian_filter(gray, sigma, mode="nearest") for gray in grays)
        noisy = (gray + NOISE * rng.standard_normal(gray.shape, np.float32) for gray in blurred)
        patches = np.concatenate([_patches(gray, 1).reshape(-1, PATCH**2) for gray in noisy])
        return rng.permutation(patches[_contrast(patches) > FAINTEST * NOISE])[:count]

    blurry = examples(LEARNED_FROM, SAMPLES)
    learner = MiniBatchDictionaryLearning(ATOMS, max_iter=10, batch_size=256, random_state=0)
    atoms = learner.fit(blurry / np.linalg.norm(blurry, axis=1, keepdims=True)).components_
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    needed = [_atoms_needed(examples(sigma, PIECES), atoms).mean() for sigma in SIGMAS]
    return Dictionary(atoms, IsotonicRegression(increasing=False).fit_transform(SIGMAS, needed))


def defocus_map(frame: HostArray, dictionary: Dictionary) -> HostArray:
    """Standard deviation of the Gaussian, pixels [H, W], of a frame [H, W, C] in [0, 1], at most the last of `SIGMAS`.

    Where there is nothing to see around, it is that last one.
    """
    height, width, _ = frame.shape
    guide = np.ascontiguousarray(frame[::STRIDE, ::STRIDE])
    rows, columns, _ = guide.shape
    gray = np.pad(frame.mean(-1, dtype=np.float32), PATCH // 2, mode="reflect")
    patches = _patches(gray, STRIDE)[:rows, :columns]
    seen = _contrast(patches) > FAINTEST * NOISE
    needed = np.zeros(seen.shape, np.float32)
    needed[seen] = _atoms_needed(patches[seen], dictionary.atoms)
    sums, weights = (cv2.ximgproc.guidedFilter(guide, x.astype(np.float32), RADIUS, FLAT) for x in (needed, seen))
    # The counts fall as the blur grows; interpolation wants them to rise.
    sigma = np.interp(sums / np.maximum(weights, 1e-3), dictionary.needed[::-1], SIGMAS[::-1])
    return cv2.resize(sigma.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def _patches(gray: HostArray, stride: int) -> HostArray:
    """Patches less their means, [rows, columns, PATCH^2]."""
    patches = sliding_window_view(gray, (PATCH, PATCH))[::stride, ::stride]
    return (patches - patches.mean((2, 3), keepdims=True)).reshape(*patches.shape[:2], PATCH**2)


def _contrast(patches: HostArray) -> HostArray:
    return np.linalg.norm(patches, axis=-1) / PATCH


def _atoms_needed(patches: HostArray, atoms: HostArray) -> HostArray:
    """How many atoms explain each of the patches [N, PATCH^2] but for `UNEXPLAINED` and the noise, [N]."""
    left = UNEXPLAINED * (patches**2).sum(1) + PATCH**2 * NOISE**2
    residual, needed = patches.copy(), np.zeros(len(patches), int)
    basis = np.zeros((len(patches), MOST, PATCH**2), patches.dtype)  # the chosen atoms, made orthogonal
    for k in range(MOST):
        go_on = np.flatnonzero((residual**2).sum(1) > left)
        rest, before = residual[go_on], basis[go_on, :k]
        atom = atoms[np.abs(rest @ atoms.T).argmax(1)]
        atom = atom - np.einsum("nk,nkd->nd", np.einsum("nkd,nd->nk", before, atom), before)
        atom /= np.maximum(np.linalg.norm(atom, axis=1, keepdims=True), 1e-6)
        basis[go_on, k] = atom
        residual[go_on] -= (rest * atom).sum(1, keepdims=True) * atom
        needed[go_on] += 1
    return needed
