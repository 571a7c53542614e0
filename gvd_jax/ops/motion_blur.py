"""The motion blur operator K of Eqs. (3)-(4): every pixel averages the frame along its own path.

A point seen at x at mid-exposure is at x + d(t) at time t, so the blurry pixel x has seen L(x - d(t)) for t in
[-tau, tau] ("u at x" approximation). Both kernels are paths linear in the two flows, d(t) = a(t) u_f + b(t) u_b,
sampled uniformly in time: nothing is divided by |u|, and zero flow gives exactly the identity.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from gvd_jax.ops.linear_map import linear_map
from gvd_jax.ops.sampling import (
    corners,
    empty_windows,
    interpolate,
    interpolate_gradient,
    pixel_grid,
    scatter_windows,
    unfold_windows,
)

Path = Callable[[jax.Array], tuple[jax.Array, jax.Array]]


def piecewise_linear_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eq. (3): straight to tau u_f on one side and to tau u_b on the other."""
    return jnp.maximum(t, 0), jnp.maximum(-t, 0)


def quadratic_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The parabola through u_b at t = -1, 0 at t = 0 and u_f at t = 1: d(t) = t (u_f - u_b)/2 + t^2 (u_f + u_b)/2."""
    return (t + t * t) / 2, (t * t - t) / 2


def _exposure(samples: int, duty_cycle: jax.Array, k: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Time [T, 1, 1] and trapezoid weight of sample k of the 2 `samples` + 1 that span the exposure [-tau, tau]."""
    s = (k - samples) / max(samples, 1)
    weight = jnp.where((k == 0) | (k == 2 * samples), 0.5, 1.0) / (2 * samples) if samples else 1.0
    return (duty_cycle * s)[:, None, None], jnp.asarray(weight, duty_cycle.dtype)


def _positions(path: Path, samples: int, flow, duty_cycle, k):
    t, weight = _exposure(samples, duty_cycle, k)
    forward, backward = path(t)
    frames, _, height, width, _ = flow.shape
    y, x = pixel_grid(height, width, flow.dtype)
    shift = forward[..., None] * flow[:, 0] + backward[..., None] * flow[:, 1]
    frame = jnp.arange(frames, dtype=jnp.int32)[:, None, None]
    return corners((frames, height, width), frame, y - shift[..., 1], x - shift[..., 0]), weight, t


def _forward(path: Path, samples: int, parameters, latent):
    flow, duty_cycle = parameters

    def add(k, total):
        at, weight, _ = _positions(path, samples, flow, duty_cycle, k)
        return total + weight * interpolate(latent, at)

    return jax.lax.fori_loop(0, 2 * samples + 1, add, jnp.zeros_like(latent))


def _adjoint(path: Path, samples: int, parameters, blurry):
    flow, duty_cycle = parameters

    def add(k, windows):
        at, weight, _ = _positions(path, samples, flow, duty_cycle, k)
        return scatter_windows(windows, at, weight * blurry)

    windows = jax.lax.fori_loop(0, 2 * samples + 1, add, empty_windows(blurry.shape, blurry.dtype))
    return unfold_windows(windows, blurry.shape)


def _path_moments(path: Path, samples: int, latent, flow, duty_cycle):
    """Derivatives of K L in (u_f, u_b, tau): sums of the latent gradient along the path.

    d(K L) = -(m_f . du_f + m_b . du_b + m_t dtau), with m_f, m_b [T, H, W, C, 2] and m_t [T, H, W, C].
    """
    _, height, width, _ = latent.shape
    y, x = pixel_grid(height, width, flow.dtype)

    def add(k, totals):
        at, weight, t = _positions(path, samples, flow, duty_cycle, k)
        unit = _exposure(samples, jnp.ones_like(duty_cycle), k)[0]
        (forward, backward), (rate_f, rate_b) = jax.jvp(path, (t,), (unit,))
        shift = forward[..., None] * flow[:, 0] + backward[..., None] * flow[:, 1]
        inside = jnp.stack(
            [
                (x - shift[..., 0] > 0) & (x - shift[..., 0] < width - 1),
                (y - shift[..., 1] > 0) & (y - shift[..., 1] < height - 1),
            ],
            axis=-1,
        )
        gradient = jnp.stack(interpolate_gradient(latent, at), axis=-1)
        gradient = weight * jnp.where(inside[..., None, :], gradient, 0)
        speed = rate_f[..., None] * flow[:, 0] + rate_b[..., None] * flow[:, 1]
        m_f, m_b, m_t = totals
        return (
            m_f + forward[..., None, None] * gradient,
            m_b + backward[..., None, None] * gradient,
            m_t + (gradient * speed[..., None, :]).sum(-1),
        )

    zero = jnp.zeros((*latent.shape, 2), latent.dtype)
    return jax.lax.fori_loop(0, 2 * samples + 1, add, (zero, zero, jnp.zeros_like(latent)))


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def motion_blur(path: Path, samples: int, latent: jax.Array, flow: jax.Array, duty_cycle: jax.Array) -> jax.Array:
    """K(tau, u) L of Eq. (4).

    `latent` [T, H, W, C]; `flow` [T, 2, H, W, 2] in pixels per frame interval; `duty_cycle` [T], tau = exposure /
    (2 frame interval). `path` and `samples` (per side; one per pixel of tau |u| suffices) are static. Rows of K are
    non-negative and sum to one; reads outside the frame repeat its border. Linear in the latent with a written adjoint.
    """
    return linear_map(partial(_forward, path, samples), partial(_adjoint, path, samples), (flow, duty_cycle), latent)


def _motion_blur_jvp(path, samples, primals, tangents):
    latent, flow, duty_cycle = primals
    d_latent, d_flow, d_duty = tangents
    out = motion_blur(path, samples, latent, flow, duty_cycle)
    tangent = jnp.zeros_like(out)
    if type(d_latent) is not SymbolicZero:
        tangent = tangent + motion_blur(path, samples, d_latent, flow, duty_cycle)
    if type(d_flow) is not SymbolicZero or type(d_duty) is not SymbolicZero:
        m_f, m_b, m_t = _path_moments(path, samples, latent, flow, duty_cycle)
        if not isinstance(d_flow, SymbolicZero):
            tangent = tangent - (m_f * d_flow[:, 0, :, :, None] + m_b * d_flow[:, 1, :, :, None]).sum(-1)
        if not isinstance(d_duty, SymbolicZero):
            tangent = tangent - m_t * d_duty[:, None, None, None]
    return out, tangent


motion_blur.defjvp(_motion_blur_jvp, symbolic_zeros=True)
