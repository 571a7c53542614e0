"""Motion that is affine over a frame (`affine_field`), fitted to residuals."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gvd_jax.shapes import Array, Float

FARTHEST = 1.0  # hundredths of the width, per step: a linear model holds for a few pixels
OUTLIER = 0.01  # display values: a residual beyond it counts by its size, not its square
RIDGE = 0.01  # of the curvature: what the residuals do not show is 0
EVERY = 2  # rows and columns: a sample says as much as all

Residuals = Callable[[Float[Array, "T 2 3"]], Float[Array, "R T H W"]]


def misfit(errors: Float[Array, "R T H W"]) -> Float[Array, "T"]:
    """What residuals cost, frame by frame."""
    return _cost(_thinned(errors))


def fit_affine(
    residuals: Residuals, start: Float[Array, "T 2 3"], steps: int
) -> tuple[Float[Array, "T 2 3"], Float[Array, "T"]]:
    """For every frame the motion of least `misfit` among `start` and those that so many steps of Gauss and Newton lead
    to from there; and its misfit."""
    units = jnp.eye(6, dtype=start.dtype).reshape(6, 1, 2, 3)

    def step(state, _):
        x, best, least = state
        error, change_of = jax.linearize(lambda x: _thinned(residuals(x)), x)
        cost = _cost(error)
        best, least = jnp.where((cost < least)[:, None, None], x, best), jnp.minimum(cost, least)
        slopes = jax.lax.map(lambda unit: change_of(jnp.broadcast_to(unit, x.shape)), units)
        weight = jax.lax.rsqrt(jnp.square(error) + OUTLIER**2)
        matrix = jnp.einsum("krthw,rthw,mrthw->tkm", slopes, weight, slopes)
        slope = jnp.einsum("krthw,rthw,rthw->tk", slopes, weight, error)
        root = jnp.sqrt(jnp.diagonal(matrix, axis1=1, axis2=2) + jnp.finfo(x.dtype).tiny ** 0.5)
        scaled = matrix / (root[:, :, None] * root[:, None]) + RIDGE * jnp.eye(6, dtype=x.dtype)[None]
        pull = slope / root + RIDGE * root * x.reshape(-1, 6)
        change = (solve_positive(scaled, pull) / root).reshape(x.shape)
        return (x - jnp.clip(change, -FARTHEST, FARTHEST), best, least), None

    # One more than steps, for the last one is judged as well: a loop, for residuals are large to compile.
    nothing = jnp.full(len(start), jnp.inf, start.dtype)
    (_, best, least), _ = jax.lax.scan(step, (start, start, nothing), None, length=steps + 1)
    return best, least


def solve_positive(matrix: Float[Array, "T N N"], right: Float[Array, "T N"]) -> Float[Array, "T N"]:
    """x of matrix x = right, for matrices that are positive definite: by elimination, which needs no pivots then, and
    no routine of LAPACK, whose loading takes longer than a short clip."""
    rows = jnp.concatenate([matrix, right[..., None]], -1)
    size = matrix.shape[-1]
    for k in range(size):
        pivot = rows[:, k] / rows[:, k, k, None]
        others = jnp.arange(size) != k  # also those above: what is left is diagonal
        rows = jnp.where(others[None, :, None], rows - rows[:, :, k, None] * pivot[:, None], pivot[:, None])
    return rows[..., -1]


def _cost(errors: Float[Array, "R T h w"]) -> Float[Array, "T"]:
    return jnp.sqrt(jnp.square(errors) + OUTLIER**2).sum((0, 2, 3))


def _thinned(errors: Float[Array, "R T H W"]) -> Float[Array, "R T h w"]:
    return errors[:, :, ::EVERY, ::EVERY]
