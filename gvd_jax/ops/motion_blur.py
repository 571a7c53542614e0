"""The motion blur operator K of Eqs. (3)-(4): every pixel averages the frame along its own path.

CPUs work strip by strip: what one reads stays in the cache. Elsewhere all pixels are read at once, which is few
programs to start.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from gvd_jax.errors import InputError
from gvd_jax.ops.exposure import (
    Path,
    Pixels,
    all_pixels,
    exposure,
    middle_weight,
    read_place,
)
from gvd_jax.ops.linear_map import linear_map
from gvd_jax.ops.platform import on_cpu
from gvd_jax.ops.sampling import (
    corners,
    interpolate,
    interpolate_with_gradient,
    planes,
    scatter_windows,
    unfold_windows,
)
from gvd_jax.ops.strips import cut_strips
from gvd_jax.trees import replace

UNROLLED = 8  # reads in a program of a GPU, which takes longer to start than to run


def _channels(frames: jax.Array) -> list[jax.Array]:
    """The channels of [T, H, W, C], each contiguous and flat: [T, H W]."""
    return [plane.reshape(frames.shape[0], -1) for plane in planes(frames)]


def _places(path: Path, samples: int, pixels: Pixels, height: int, width: int):
    """Of all reads of a strip, [2 samples, n], and their weights [2 samples]."""
    at, weight = read_place(path, samples, pixels, height, width, jnp.arange(2 * samples)[:, None])
    # Behind a barrier, for arithmetic that is fused with a gather is not vectorised.
    return jax.lax.optimization_barrier((at, weight[:, 0]))


def _forward_by_strips(path: Path, samples: int, pixels: Pixels, latent):
    _, height, width, _ = latent.shape
    strips = cut_strips(pixels, 2 * samples)
    channels = _channels(latent)

    def strip(blurry, number):
        own = strips.pixels_of(number)
        at, weight = _places(path, samples, own, height, width)

        def add(k, totals):
            here = jax.tree.map(lambda part: part[k], at)
            read = [interpolate(channel.reshape(-1), here) for channel in channels]
            return [total + weight[k] * part for total, part in zip(totals, read, strict=True)]

        totals = [middle_weight(samples) * strips.cut(channel, number) for channel in channels]
        totals = jax.lax.fori_loop(0, 2 * samples, add, totals)
        start = strips.begin(number)[:2]
        return [jax.lax.dynamic_update_slice(b, t[None], start) for b, t in zip(blurry, totals, strict=True)], None

    blurry, _ = jax.lax.scan(strip, [jnp.zeros_like(channel) for channel in channels], strips.numbers())
    return jnp.stack(blurry, -1).reshape(latent.shape)


def _adjoint_by_strips(path: Path, samples: int, pixels: Pixels, blurry):
    _, height, width, _ = blurry.shape
    strips = cut_strips(pixels, 2 * samples)
    channels = _channels(blurry)

    def strip(windows, number):
        _, first, first_own = strips.begin(number)
        counted = first + jnp.arange(strips.size, dtype=jnp.int32) < first_own
        values = [jnp.where(counted, 0, strips.cut(channel, number)) for channel in channels]
        own = replace(strips.pixels_of(number), frame=0)
        values, (at, weight) = jax.lax.optimization_barrier((values, _places(path, samples, own, height, width)))

        def add(k, windows):
            here = jax.tree.map(lambda part: part[k], at)
            return [scatter_windows(w, here, weight[k] * v) for w, v in zip(windows, values, strict=True)]

        return jax.lax.fori_loop(0, 2 * samples, add, windows), None

    # Frame by frame, so that the windows of one stay in the cache.
    def frame(spread, number):
        windows = [jnp.zeros((height * width, 4), blurry.dtype) for _ in channels]
        own = number * strips.count + jnp.arange(strips.count, dtype=jnp.int32)
        windows, _ = jax.lax.scan(strip, windows, own)
        added = [unfold_windows(w, height, width) for w in windows]
        return [jax.lax.dynamic_update_index_in_dim(s, a, number, 0) for s, a in zip(spread, added, strict=True)], None

    numbers = jnp.arange(blurry.shape[0], dtype=jnp.int32)
    spread, _ = jax.lax.scan(frame, [jnp.zeros_like(channel) for channel in channels], numbers)
    return _with_middle(samples, channels, spread, blurry.shape)


def _forward_at_once(path: Path, samples: int, pixels: Pixels, latent):
    _, height, width, _ = latent.shape
    channels = _channels(latent)

    def add(k, totals):
        at, weight = read_place(path, samples, pixels, height, width, k)
        read = [interpolate(channel.reshape(-1), at) for channel in channels]
        return [total + weight * part for total, part in zip(totals, read, strict=True)]

    totals = [middle_weight(samples) * channel for channel in channels]
    totals = jax.lax.fori_loop(0, 2 * samples, add, totals, unroll=min(2 * samples, UNROLLED))
    return jnp.stack(totals, -1).reshape(latent.shape)


def _adjoint_at_once(path: Path, samples: int, pixels: Pixels, blurry):
    _, height, width, _ = blurry.shape
    channels = _channels(blurry)

    def add(k, windows):
        at, weight = read_place(path, samples, pixels, height, width, k)
        return [scatter_windows(w, at, (weight * v).reshape(-1)) for w, v in zip(windows, channels, strict=True)]

    windows = [jnp.zeros((channel.size, 4), blurry.dtype) for channel in channels]
    # Not unrolled, for it would hold what every read adds.
    windows = jax.lax.fori_loop(0, 2 * samples, add, windows)
    spread = [unfold_windows(w, height, width).reshape(channels[0].shape) for w in windows]
    return _with_middle(samples, channels, spread, blurry.shape)


def _with_middle(samples: int, channels: list[jax.Array], spread: list[jax.Array], shape: tuple[int, ...]):
    """Frames of the `shape`: what reads off mid-exposure have `spread`, and what every pixel gives to itself."""
    middle = middle_weight(samples)
    return jnp.stack([middle * c + s for c, s in zip(channels, spread, strict=True)], -1).reshape(shape)


def _forward(path: Path, samples: int, pixels: Pixels, latent):
    way = _forward_by_strips if on_cpu() else _forward_at_once
    return way(path, samples, pixels, latent)


def _adjoint(path: Path, samples: int, pixels: Pixels, blurry):
    way = _adjoint_by_strips if on_cpu() else _adjoint_at_once
    return way(path, samples, pixels, blurry)


def _path_gradients(path: Path, samples: int, latent, flow, duty_cycle):
    """For every channel, the sums along the path of what a change of the flows and of tau does to K L.

    d(K L) = -(m_f . du_f + m_b . du_b + m_t dtau): five planes, m_f and m_b in x and y, and m_t, [T, H, W] each.
    """
    _, height, width, _ = latent.shape
    pixels = all_pixels(flow, duty_cycle)
    read = planes(latent)
    (fx, fy), (bx, by) = pixels.forward, pixels.backward

    def add(k, totals):
        s, weight = exposure(samples, k, latent.dtype)
        t = s * pixels.duty_cycle
        (a, b), (rate_a, rate_b) = jax.jvp(path, (t,), (jnp.broadcast_to(s, t.shape),))
        x, y = pixels.x[None] - (a * fx + b * bx), pixels.y[None] - (a * fy + b * by)
        at = corners(height, width, pixels.frame, y, x)
        in_x = jnp.where((x > 0) & (x < width - 1), weight, 0)
        in_y = jnp.where((y > 0) & (y < height - 1), weight, 0)
        speed_x, speed_y = rate_a * fx + rate_b * bx, rate_a * fy + rate_b * by

        def more(total, plane):
            _, gx, gy = interpolate_with_gradient(plane, at)
            gx, gy = in_x * gx, in_y * gy
            parts = a * gx, a * gy, b * gx, b * gy, speed_x * gx + speed_y * gy
            return [t + part for t, part in zip(total, parts, strict=True)]

        return [more(total, plane) for total, plane in zip(totals, read, strict=True)]

    totals = [[jnp.zeros_like(fx)] * 5] * len(read)
    totals = jax.lax.fori_loop(0, 2 * samples, add, totals)
    return jax.tree.map(lambda total: total.reshape(latent.shape[:3]), totals)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def motion_blur(path: Path, samples: int, latent: jax.Array, flow: jax.Array, duty_cycle: jax.Array) -> jax.Array:
    """K(tau, u) L of Eq. (4).

    `latent` [T, H, W, C]; `flow` [T, 2, H, W, 2] in pixels per frame interval; `duty_cycle` [T], tau = exposure /
    (2 frame interval). `path` and `samples` (per side; one per 1.8 pixels of tau |u| suffice) are static. Rows of K
    are non-negative and sum to one; reads outside the frame repeat its border. Linear in the latent, with a written
    adjoint. Raises `InputError` for no samples.
    """
    if samples < 1:
        raise InputError(f"a motion blur of {samples} samples reads nothing: give at least 1 per side of the exposure")
    pixels = all_pixels(flow, duty_cycle)
    return linear_map(_forward, _adjoint, latent.shape, pixels, latent, (path, samples))


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
