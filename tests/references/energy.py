"""Eqs. (4)-(8) as loops over pixels. Conventions of `blur`; `visibility` is a dictionary n -> [T, H, W] in [0, 1]."""

import numpy as np

from tests.references.blur import bilinear

NEIGHBOURS = (-2, -1, 1, 2)  # N = 2; n = 0 compares a frame with itself


def differences(image, y, x):
    """Forward differences (horizontal, vertical) of `image` [H, W, ...] at one pixel, zero beyond the last one."""
    height, width = image.shape[:2]
    dx = image[y, x + 1] - image[y, x] if x + 1 < width else 0.0 * image[y, x]
    dy = image[y + 1, x] - image[y, x] if y + 1 < height else 0.0 * image[y, x]
    return dx, dy


def data_term(blurred, blurry):
    """Eq. (4) without lambda, with B' = K G L given: derivatives outside K; the zero-order residual weighs 0.25."""
    total = 0.0
    for i, y, x in np.ndindex(blurry.shape[:3]):
        residual = blurred[i] - blurry[i]
        dx, dy = differences(residual, y, x)
        total += 0.25 * np.sum(residual[y, x] ** 2) + np.sum(dx**2) + np.sum(dy**2)
    return total


def displacement(flow, i, n, y, x):
    """u_{i->i+n}(x) as (x, y); two steps are composed as in Fig. 9."""
    direction, step = (0, 1) if n > 0 else (1, -1)
    first = flow[i, direction, y, x]
    if abs(n) == 1:
        return first
    return first + bilinear(flow[i + step, direction], y + first[1], x + first[0])


def inside(y, x, height, width):
    """Whether a position is within the outermost pixel centres."""
    return 0 <= y <= height - 1 and 0 <= x <= width - 1


def temporal_term(latent, flow, visibility=None):
    """Eq. (5) without mu: the sum of |L_i(x) - L_{i+n}(x + u_{i->i+n})| where frame i + n holds the point."""
    frames, height, width, _ = latent.shape
    total = 0.0
    for i, y, x in np.ndindex(frames, height, width):
        for n in NEIGHBOURS:
            if not 0 <= i + n < frames:
                continue
            ux, uy = displacement(flow, i, n, y, x)
            if not inside(y + uy, x + ux, height, width):
                continue
            weight = 1.0 if visibility is None else visibility[n][i, y, x]
            total += weight * np.abs(latent[i, y, x] - bilinear(latent[i + n], y + uy, x + ux)).sum()
    return total


def total_variation(field, zeta=None):
    """Sum of zeta(x) |grad f(x)| of `field` [T, H, W, ...]: a norm per pixel, joint over derivatives and components."""
    total = 0.0
    for i, y, x in np.ndindex(field.shape[:3]):
        dx, dy = differences(field[i], y, x)
        weight = 1.0 if zeta is None else zeta[i, y, x]
        total += weight * np.sqrt(np.sum(dx**2) + np.sum(dy**2))
    return total


def flow_variation(flow, zeta):
    """Third term of Eq. (6) without nu_u, n = -1, 1: each direction has its own norm."""
    return total_variation(flow[:, 0], zeta) + total_variation(flow[:, 1], zeta)


def luma(frames):
    """The BT.601 luma of colour frames [..., 3], the only channel of gray ones [..., 1]."""
    return frames @ np.array([0.299, 0.587, 0.114]) if frames.shape[-1] == 3 else frames[..., 0]


def edge_map(latent, variance):
    """Eq. (7), at least 0.001, on the luma; `variance` is v_I."""
    zeta = np.zeros(latent.shape[:3])
    for i, y, x in np.ndindex(zeta.shape):
        dx, dy = differences(luma(latent[i]), y, x)
        zeta[i, y, x] = max(np.exp(-(dx**2 + dy**2) / variance), 0.001)
    return zeta


def total_energy(latent, flow, defocus, blurred, blurry, zeta, weights, visibility=None):
    """Eq. (8); `weights` = (lambda, mu, nu_u, nu_sigma) and `blurred` = K G L."""
    data, temporal, flow_weight, defocus_weight = weights
    return (
        data * data_term(blurred, blurry)
        + temporal * temporal_term(latent, flow, visibility)
        + total_variation(latent)
        + flow_weight * flow_variation(flow, zeta)
        + defocus_weight * total_variation(defocus, zeta)
    )
