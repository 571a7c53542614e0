"""TV-L1 optical flow of Zach, Pock, Bischof (DAGM 2007), and as improved by Wedel et al. (LNCS 5604, 2009).

scikit-image's solver serves both: smoothness is the total variation of the flow, the data term the absolute difference
of brightness, in turn and from coarse to fine. As Wedel et al. do, `wedel` matches the texture of the frames instead
of the frames, and filters the flow by a 3x3 median before every warp.
OTHER than the authors', whose articles were not at hand: levels of the pyramid are a factor of two apart, the flow goes
up by nearest neighbour and warps read bilinearly, where they may do better, so that a large motion of something small
may be lost earlier. Weights and warps are those of Sánchez Pérez, Meinhardt-Llopis, Facciolo (IPOL 2013), the texture
is that of Sun, Roth, Black (CVPR 2010). That it is stretched to the range of a frame, so that the same weight holds, is
our choice. Where the light is constant, `wedel` is less accurate here than `zach`, at motion boundaries too.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from skimage.registration import optical_flow_tvl1
from skimage.restoration import denoise_tv_chambolle

from gvd_jax.shapes import HostArray

LAMBDA = 0.15 * 255  # weight of the data term: 0.15 for values in [0, 255] (IPOL 2013), here for values in [0, 1]
THETA = 0.3  # how far the data term's flow may be from the smooth one (IPOL 2013)
WARPS = 5  # per level of the pyramid (IPOL 2013)
ITERATIONS = 30  # per warp; scikit-image's 10 have not converged at motions of 6 px
STRUCTURE = 0.95  # part of the structure that is taken off: 20:1 (Wedel et al. 2009)
ROF = 1 / 16  # theta of the structure, for values in [0, 1]: 1/8 in [-1, 1] (Sun et al. 2010)
ROF_ITERATIONS = 100  # Sun et al. 2010

TwoFrameFlow = Callable[[HostArray, HostArray], HostArray]


def zach(first: HostArray, second: HostArray) -> HostArray:
    """Flow [H, W, 2] in pixels, first(x) = second(x + flow), between gray frames [H, W] in [0, 1]."""
    return _tv_l1(first, second, median=False)


def wedel(first: HostArray, second: HostArray) -> HostArray:
    """As `zach`, of the textures of both frames and with the median filter: bears a change of illumination."""
    return _tv_l1(*texture(np.stack([first, second])), median=True)


def clip_flow(frames: HostArray, method: TwoFrameFlow) -> HostArray:
    """Flow [T, 2, H, W, 2], pixels per frame interval, of gray frames [T, H, W]: to the next and the previous one.

    Beyond the ends of the clip, which needs two frames, the motion is taken to go on as it was.
    """
    forward = np.stack([method(a, b) for a, b in pairwise(frames)])
    backward = np.stack([method(b, a) for a, b in pairwise(frames)])
    return both_ways(forward, backward)


def both_ways(forward: HostArray, backward: HostArray) -> HostArray:
    """Flow [T, 2, H, W, 2] from that of each frame but the last to the next, and back: both [T-1, H, W, 2]."""
    forward = np.concatenate([forward, -backward[-1:]])
    backward = np.concatenate([-forward[:1], backward])
    return np.stack([forward, backward], 1)


def texture(frames: HostArray) -> HostArray:
    """Texture of gray frames [N, H, W], in [0, 1]: what is left of them without 95 % of their structure.

    All are stretched together, for what is equal in two frames must stay so.
    """
    frames = _stretch(frames)
    structure = [denoise_tv_chambolle(frame, ROF, eps=0, max_num_iter=ROF_ITERATIONS) for frame in frames]
    return _stretch(frames - STRUCTURE * np.stack(structure))


def _stretch(frames: HostArray) -> HostArray:
    """Frames over the range [0, 1]; zero if they are all of one value."""
    low, high = float(frames.min()), float(frames.max())
    return ((frames - low) / max(high - low, 1e-6)).astype(np.float32)


def _tv_l1(first: HostArray, second: HostArray, median: bool) -> HostArray:
    """Flow [H, W, 2] of two images [H, W]."""
    flow = optical_flow_tvl1(
        first,
        second,
        attachment=LAMBDA,  # pyright: ignore[reportArgumentType]  # which guesses int from its default
        tightness=THETA,
        num_warp=WARPS,
        num_iter=ITERATIONS,
        prefilter=median,
    )
    return np.stack([flow[1], flow[0]], -1)
