"""Eqs. (2)-(4): the operators K and G as loops over pixels.

Frames are [T, H, W, C], flow [T, 2, H, W, 2] (to i + 1, to i - 1; last axis x, y), tau [T]. Reads clamp to the edge.
"""

import numpy as np


def linear_path(t, forward, backward):
    """Eq. (3): straight to the forward flow for t >= 0, straight to the backward flow for t < 0."""
    return t * forward if t >= 0 else -t * backward


def quadratic_path(t, forward, backward):
    """The parabola through `backward` at t = -1, 0 at t = 0 and `forward` at t = 1."""
    return t * (forward - backward) / 2 + t**2 * (forward + backward) / 2


def corners(y, x, height, width):
    """The four (row, column, weight) of a bilinear read; positions outside are moved to the nearest edge."""
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    row, column = min(int(y), max(height - 2, 0)), min(int(x), max(width - 2, 0))
    fy, fx = y - row, x - column
    below, right = min(row + 1, height - 1), min(column + 1, width - 1)
    return [
        (row, column, (1 - fy) * (1 - fx)),
        (row, right, (1 - fy) * fx),
        (below, column, fy * (1 - fx)),
        (below, right, fy * fx),
    ]


def bilinear(image, y, x):
    """`image` [H, W, ...] at one position."""
    return sum(weight * image[row, column] for row, column, weight in corners(y, x, *image.shape[:2]))


def exposure(tau, samples):
    """Times -tau..tau, `samples` steps a side, and their trapezoid weights: the ends count half, the sum is one."""
    if samples == 0:
        return [(0.0, 1.0)]
    weights = [0.5 if abs(j) == samples else 1.0 for j in range(-samples, samples + 1)]
    return [(tau * j / samples, w / (2 * samples)) for j, w in zip(range(-samples, samples + 1), weights, strict=True)]


def motion_blur(latent, flow, tau, samples, path):
    """K L: what is seen at x at time t was at x - d(t) in the latent frame."""
    blurry = np.zeros_like(latent, dtype=np.float64)
    for i, y, x in np.ndindex(latent.shape[:3]):
        for t, weight in exposure(tau[i], samples):
            dx, dy = path(t, flow[i, 0, y, x], flow[i, 1, y, x])
            blurry[i, y, x] += weight * bilinear(latent[i], y - dy, x - dx)
    return blurry


def motion_blur_linear(latent, flow, tau, samples):
    """Eq. (3), uniform in time."""
    return motion_blur(latent, flow, tau, samples, linear_path)


def motion_blur_quadratic(latent, flow, tau, samples):
    """The same exposure along the parabola through both flows."""
    return motion_blur(latent, flow, tau, samples, quadratic_path)


def motion_blur_matrix(flow, tau, samples, path, i):
    """The matrix K_i of Eq. (4), [H W, H W]: row x holds the kernel at pixel x."""
    height, width = flow.shape[2:4]
    matrix = np.zeros((height, width, height, width))
    for y, x in np.ndindex(height, width):
        for t, weight in exposure(tau[i], samples):
            dx, dy = path(t, flow[i, 0, y, x], flow[i, 1, y, x])
            for row, column, share in corners(y - dy, x - dx, height, width):
                matrix[y, x, row, column] += weight * share
    return matrix.reshape(height * width, height * width)


def motion_blur_adjoint(blurry, flow, tau, samples, path):
    """K' y, by the transposed matrices."""
    frames, height, width, channels = blurry.shape
    columns = blurry.reshape(frames, height * width, channels)
    adjoint = [motion_blur_matrix(flow, tau, samples, path, i).T @ columns[i] for i in range(frames)]
    return np.stack(adjoint).reshape(blurry.shape)


def convolve(image, taps, axis):
    """`image` [H, W, C] correlated with a symmetric 1-D kernel along one axis, clamped to the edge."""
    radius = len(taps) // 2
    result = np.zeros_like(image, dtype=np.float64)
    for y, x in np.ndindex(image.shape[:2]):
        for k, tap in enumerate(taps):
            at = [y, x]
            at[axis] = min(max(at[axis] + k - radius, 0), image.shape[axis] - 1)
            result[y, x] += tap * image[at[0], at[1]]
    return result


def gaussian_defocus(latent, variance, scales, increments):
    """G L = sum_q w_q(x) (g_q * L)(x), the weights linear in the variance [T, H, W] between the squares of `scales`.

    `scales` are standard deviations from 0 upwards; `increments[q]` is the 1-D kernel that leads from scale q to q + 1.
    """
    nodes = [scale**2 for scale in scales]
    result = np.zeros_like(latent, dtype=np.float64)
    for i in range(len(latent)):
        stack = [latent[i].astype(np.float64)]
        for taps in increments:
            stack.append(convolve(convolve(stack[-1], taps, 0), taps, 1))
        for y, x in np.ndindex(latent.shape[1:3]):
            v = min(max(variance[i, y, x], nodes[0]), nodes[-1])
            q = max(k for k in range(len(nodes) - 1) if nodes[k] <= v)
            share = (v - nodes[q]) / (nodes[q + 1] - nodes[q])
            result[i, y, x] = (1 - share) * stack[q][y, x] + share * stack[q + 1][y, x]
    return result
