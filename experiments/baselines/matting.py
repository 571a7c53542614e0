"""The matting Laplacian (Levin, Lischinski and Weiss, "A closed-form solution to natural image matting", PAMI 2008).

Faithful: windows of 3x3 pixels, one sparse linear system, solved directly. Weaker than its authors': no pyramid, so
that frames much larger than 320x240 take minutes and gigabytes.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

from gvd_jax.shapes import HostArray

# The library pymatting has both functions, and brings 230 MB and 100 s of compilation.
EPSILON = 1e-7  # squared display values: the variance of a window's colours below which it counts as flat
KNOWN = 1e-3  # weight of the known values (Zhuo and Sim 2011)


def matting_laplacian(frame: HostArray) -> csr_array:
    """L [H*W, H*W] of a frame [H, W, 3]: d' L d is small where d is affine in the colour in every window."""
    height, width, channels = frame.shape
    pixels = sliding_window_view(np.arange(height * width).reshape(height, width), (3, 3)).reshape(-1, 9)
    colours = frame.reshape(-1, channels)[pixels].astype(np.float64)
    centred = colours - colours.mean(1, keepdims=True)
    covariance = np.einsum("nic,nid->ncd", centred, centred) / 9 + EPSILON / 9 * np.eye(channels)
    affinity = (1 + centred @ np.linalg.solve(covariance, centred.transpose(0, 2, 1))) / 9
    rows, columns = (np.broadcast_to(i, affinity.shape).ravel() for i in (pixels[:, :, None], pixels[:, None, :]))
    entries = coo_array(((np.eye(9) - affinity).ravel(), (rows, columns)), shape=(height * width, height * width))
    return entries.tocsr()


def propagate(values: HostArray, known: HostArray, frame: HostArray) -> HostArray:
    """The map d [H, W] that minimises d' L d + KNOWN sum (d - values)^2 over the pixels `known`, bool [H, W].

    L is that of the frame [H, W, 3]. Where nothing is known at all, d is 0.
    """
    if not known.any():
        return np.zeros(known.shape, np.float32)
    weight = KNOWN * known.ravel().astype(np.float64)
    system = (matting_laplacian(frame) + diags_array(weight)).tocsc()
    # The order of elimination for symmetric matrices: the default one takes several times as long.
    solved = spsolve(system, weight * np.where(known, values, 0.0).ravel(), permc_spec="MMD_AT_PLUS_A")
    return np.asarray(solved, np.float32).reshape(known.shape)
