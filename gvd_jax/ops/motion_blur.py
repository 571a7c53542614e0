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
    interpolate,
    interpolate_with_gradient,
    pixel_grid,
    planes,
    scatter_windows,
    unfold_windows,
)
from gvd_jax.trees import pytree, static

Path = Callable[[jax.Array], tuple[jax.Array, jax.Array]]

STRIP = 2**17  # pixels whose reads are worked on at a time
LANES = 256  # a strip of another length is not vectorised to its end


def piecewise_linear_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eq. (3): straight to tau u_f on one side and to tau u_b on the other."""
    return jnp.maximum(t, 0), jnp.maximum(-t, 0)


def quadratic_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The parabola through u_b at t = -1, 0 at t = 0 and u_f at t = 1: d(t) = t (u_f - u_b)/2 + t^2 (u_f + u_b)/2."""
    return (t + t * t) / 2, (t * t - t) / 2


@pytree
class _Pixels:
    """Pixels as flat lists, for an index that must be split into rows and columns is not vectorised: where each is, its
    two flows in x and y, and the frame and tau of all."""

    frame: jax.Array
    y: jax.Array
    x: jax.Array
    forward: tuple[jax.Array, jax.Array]
    backward: tuple[jax.Array, jax.Array]
    duty_cycle: jax.Array


def _pixels(flow: jax.Array, duty_cycle: jax.Array) -> _Pixels:
    """Those of all frames: the flows [T, H W], the places [H W], frame and tau [T, 1]."""
    frames, _, height, width, _ = flow.shape
    parts = [flow[:, k, :, :, axis].reshape(frames, -1) for k in (0, 1) for axis in (0, 1)]
    grid = [coordinate.reshape(-1) for coordinate in pixel_grid(height, width, flow.dtype)]
    y, x, fx, fy, bx, by = jax.lax.optimization_barrier((*grid, *parts))
    frame = jnp.arange(frames, dtype=jnp.int32)[:, None]
    return _Pixels(frame, y, x, (fx, fy), (bx, by), duty_cycle[:, None])


def _exposure(samples: int, k: jax.Array, dtype) -> tuple[jax.Array, jax.Array]:
    """Part of tau, in [-1, 1], and trapezoid weight of the k-th of `samples` reads to each side of mid-exposure.

    Finite also without samples, when the loop over the reads is never entered.
    """
    weight = jnp.where(jnp.abs(k) == samples, 0.5, 1.0) / max(2 * samples, 1)
    return (k / max(samples, 1)).astype(dtype), weight.astype(dtype)


def _middle(samples: int) -> float:
    """Weight of the pixel itself."""
    return 1 / (2 * samples) if samples else 1.0


def _displacement(path: Path, pixels: _Pixels, s: jax.Array) -> tuple[jax.Array, jax.Array]:
    """d(t) at t = s tau, in x and y."""
    a, b = path(s * pixels.duty_cycle)
    (fx, fy), (bx, by) = pixels.forward, pixels.backward
    return a * fx + b * bx, a * fy + b * by


@pytree
class _Strips:
    """Strips of pixels of one frame each, so that what a strip works on stays in the cache."""

    pixels: _Pixels  # of all frames
    total: int = static()  # pixels of a frame
    count: int = static()  # strips of a frame
    size: int = static()

    def numbers(self) -> jax.Array:
        """Of all strips, frame by frame."""
        return jnp.arange(self.pixels.frame.shape[0] * self.count)

    def begin(self, number: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Frame and first pixel of a strip, and the first that is its own: the last strip of a frame begins within
        the one before."""
        frame, first_own = number // self.count, number % self.count * self.size
        return frame, jnp.minimum(first_own, self.total - self.size), first_own

    def cut(self, x: jax.Array, number: jax.Array) -> jax.Array:
        """The strip's part of x [T, H W]."""
        frame, first, _ = self.begin(number)
        return jax.lax.dynamic_slice_in_dim(x[frame], first, self.size)

    def pixels_of(self, number: jax.Array) -> _Pixels:
        """The pixels of one strip."""
        frame, first, _ = self.begin(number)
        y, x = (jax.lax.dynamic_slice_in_dim(place, first, self.size) for place in (self.pixels.y, self.pixels.x))
        forward, backward = jax.tree.map(
            lambda part: self.cut(part, number), (self.pixels.forward, self.pixels.backward)
        )
        return _Pixels(frame, y, x, forward, backward, self.pixels.duty_cycle[frame])


def _strips(flow: jax.Array, duty_cycle: jax.Array) -> _Strips:
    _, _, height, width, _ = flow.shape
    total = height * width
    count = -(-total // STRIP)
    size = min(total, -(-total // (count * LANES)) * LANES)
    return _Strips(_pixels(flow, duty_cycle), total, count, size)


def _channels(frames: jax.Array) -> list[jax.Array]:
    """The channels of [T, H, W, C], each contiguous and flat: [T, H W]."""
    return [plane.reshape(frames.shape[0], -1) for plane in planes(frames)]


def _read_place(path: Path, samples: int, pixels: _Pixels, height: int, width: int, k: jax.Array | int):
    """Where the k-th of all 2 `samples` reads of the pixels is, -samples, ..., -1, 1, ..., samples, and its weight."""
    number = jnp.where(k < samples, k - samples, k - samples + 1)
    s, weight = _exposure(samples, number, pixels.x.dtype)
    dx, dy = _displacement(path, pixels, s)
    return corners(height, width, pixels.frame, pixels.y - dy, pixels.x - dx), weight


def _forward(path: Path, samples: int, parameters, latent):
    strips = _strips(*parameters)
    channels = _channels(latent)

    def strip(blurry, number):
        pixels = strips.pixels_of(number)
        place = partial(_read_place, path, samples, pixels, *latent.shape[1:3])

        def add(k, state):
            # The places of the next read are found here, for arithmetic that is fused with a gather is not vectorised.
            totals, (at, weight) = state
            read = [interpolate(channel.reshape(-1), at) for channel in channels]
            return [total + weight * part for total, part in zip(totals, read, strict=True)], place(k + 1)

        totals = [_middle(samples) * strips.cut(channel, number) for channel in channels]
        totals, _ = jax.lax.fori_loop(0, 2 * samples, add, (totals, place(0)))
        start = strips.begin(number)[:2]
        return [jax.lax.dynamic_update_slice(b, t[None], start) for b, t in zip(blurry, totals, strict=True)], None

    blurry, _ = jax.lax.scan(strip, [jnp.zeros_like(channel) for channel in channels], strips.numbers())
    return jnp.stack(blurry, -1).reshape(latent.shape)


def _adjoint(path: Path, samples: int, parameters, blurry):
    strips = _strips(*parameters)
    channels = _channels(blurry)
    _, height, width, _ = blurry.shape

    def strip(windows, number):
        _, first, first_own = strips.begin(number)
        own = first + jnp.arange(strips.size) >= first_own
        values = [jnp.where(own, strips.cut(channel, number), 0) for channel in channels]
        values, pixels = jax.lax.optimization_barrier((values, strips.pixels_of(number)))

        def add(k, windows):
            at, weight = _read_place(path, samples, pixels, height, width, k)
            return [scatter_windows(w, at, weight * v) for w, v in zip(windows, values, strict=True)]

        return jax.lax.fori_loop(0, 2 * samples, add, windows), None

    windows = [jnp.zeros((channel.size, 4), blurry.dtype) for channel in channels]
    windows, _ = jax.lax.scan(strip, windows, strips.numbers())
    spread = [unfold_windows(w, height, width) for w in windows]
    return _middle(samples) * blurry + jnp.stack(spread, -1).reshape(blurry.shape)


def _path_gradients(path: Path, samples: int, latent, flow, duty_cycle):
    """For every channel, the sums along the path of what a change of the flows and of tau does to K L.

    d(K L) = -(m_f . du_f + m_b . du_b + m_t dtau): five planes, m_f and m_b in x and y, and m_t, [T, H, W] each.
    """
    _, height, width, _ = latent.shape
    pixels = _pixels(flow, duty_cycle)
    read = planes(latent)
    (fx, fy), (bx, by) = pixels.forward, pixels.backward

    def add(k, totals):
        s, weight = _exposure(samples, k, latent.dtype)
        for side in (-s, s):
            totals = add_one(totals, side, weight)
        return totals

    def add_one(totals, s, weight):
        t = s * pixels.duty_cycle
        (a, b), (rate_a, rate_b) = jax.jvp(path, (t,), (jnp.broadcast_to(s, t.shape),))
        x, y = pixels.x - (a * fx + b * bx), pixels.y - (a * fy + b * by)
        at = corners(height, width, pixels.frame, y, x)
        in_x = weight * ((x > 0) & (x < width - 1))
        in_y = weight * ((y > 0) & (y < height - 1))
        speed_x, speed_y = rate_a * fx + rate_b * bx, rate_a * fy + rate_b * by

        def more(total, plane):
            _, gx, gy = interpolate_with_gradient(plane, at)
            gx, gy = in_x * gx, in_y * gy
            parts = a * gx, a * gy, b * gx, b * gy, speed_x * gx + speed_y * gy
            return [t + part for t, part in zip(total, parts, strict=True)]

        return [more(total, plane) for total, plane in zip(totals, read, strict=True)]

    totals = [[jnp.zeros_like(fx)] * 5] * len(read)
    totals = jax.lax.fori_loop(1, samples + 1, add, totals)
    return jax.tree.map(lambda total: total.reshape(latent.shape[:3]), totals)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def motion_blur(path: Path, samples: int, latent: jax.Array, flow: jax.Array, duty_cycle: jax.Array) -> jax.Array:
    """K(tau, u) L of Eq. (4).

    `latent` [T, H, W, C]; `flow` [T, 2, H, W, 2] in pixels per frame interval; `duty_cycle` [T], tau = exposure /
    (2 frame interval). `path` and `samples` (per side; one per 1.8 pixels of tau |u| suffice) are static. Rows of K
    are non-negative and sum to one; reads outside the frame repeat its border. Linear in the latent, with a written
    adjoint.
    """
    return linear_map(_forward, _adjoint, latent.shape, (flow, duty_cycle), latent, (path, samples))


def _motion_blur_jvp(path, samples, primals, tangents):
    latent, flow, duty_cycle = primals
    d_latent, d_flow, d_duty = tangents
    out = motion_blur(path, samples, latent, flow, duty_cycle)
    tangent = jnp.zeros_like(out)
    if type(d_latent) is not SymbolicZero:
        tangent = tangent + motion_blur(path, samples, d_latent, flow, duty_cycle)
    moved = not isinstance(d_flow, SymbolicZero)
    stretched = not isinstance(d_duty, SymbolicZero)
    if moved or stretched:
        channels = []
        for fx, fy, bx, by, rate in _path_gradients(path, samples, latent, flow, duty_cycle):
            change = jnp.zeros_like(rate)
            if moved:
                change = fx * d_flow[:, 0, ..., 0] + fy * d_flow[:, 0, ..., 1]
                change = change + bx * d_flow[:, 1, ..., 0] + by * d_flow[:, 1, ..., 1]
            if stretched:
                change = change + rate * d_duty[:, None, None]
            channels.append(change)
        tangent = tangent - jnp.stack(channels, -1)
    return out, tangent


motion_blur.defjvp(_motion_blur_jvp, symbolic_zeros=True)
