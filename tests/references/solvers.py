"""One iteration of Eqs. (10), (14) and (17) with dense matrices, and the differences of Eq. (12)."""

import numpy as np


def project(dual, groups=None):
    """p / max(1, |p|). As printed, element by element; entries with the same label in `groups` share one ball."""
    labels = range(len(dual)) if groups is None else groups
    squares = {}
    for label, value in zip(labels, dual, strict=True):
        squares[label] = squares.get(label, 0.0) + value**2
    return np.array([value / max(1.0, np.sqrt(squares[label])) for label, value in zip(labels, dual, strict=True)])


def latent_step(latent, s, q, A, D, M, b, data, temporal, eta, epsilon, groups=None):
    """Eq. (10): duals s of A L (balls over `groups`) and q of mu D L, then the exact prox of lambda |M L - b|^2.

    `data` is lambda, `temporal` is mu; M stacks the weighted rows of the derivatives of K G, b those of B. Everything
    is a vector or a matrix. Returns L, s, q.
    """
    s = project(s + eta * A @ latent, groups)
    q = project(q + eta * temporal * D @ latent)
    centre = latent - epsilon * (A.T @ s + temporal * D.T @ q)
    # Stationary point of data |M L - b|^2 + |L - centre|^2 / (2 epsilon).
    system = 2 * data * M.T @ M + np.eye(len(latent)) / epsilon
    return np.linalg.solve(system, 2 * data * M.T @ b + centre / epsilon), s, q


def linearised_step(variable, dual, gradient, A, W, weight, eta, epsilon, groups=None):
    """Eq. (14) for the flow, Eq. (17) for the defocus: `weight` is nu, `gradient` that of rho at the start.

    A is the spatial difference, W the diagonal matrix of the edge map. Returns the variable and its dual.
    """
    operator = weight * W @ A
    dual = project(dual + eta * operator @ variable, groups)
    return variable - epsilon * operator.T @ dual - epsilon * gradient, dual


def finite_difference(rho, variable):
    """Eq. (12): rho(u + 0.5) - rho(u - 0.5), one component at a time.

    `variable` is [..., K]; `rho` maps it to one cost per pixel, [...]. Returns [..., K].
    """
    gradient = np.zeros_like(variable, dtype=np.float64)
    for k in range(variable.shape[-1]):
        step = np.zeros(variable.shape[-1])
        step[k] = 0.5
        gradient[..., k] = rho(variable + step) - rho(variable - step)
    return gradient


def difference_matrix(height, width):
    """The operator A on one [H, W] image as a vector: horizontal, then vertical forward differences, [2 H W, H W]."""
    matrix = np.zeros((2, height, width, height, width))
    for y, x in np.ndindex(height, width):
        for k, (row, column) in enumerate(((y, x + 1), (y + 1, x))):
            if row < height and column < width:
                matrix[k, y, x, row, column] += 1.0
                matrix[k, y, x, y, x] -= 1.0
    return matrix.reshape(2 * height * width, height * width)
