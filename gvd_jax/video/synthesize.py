"""Blurry clips with exact truth: layers in motion seen through an open shutter, or high-speed frames averaged.

A rendered exposure of frame i is the mean of sub-frames over [i - tau, i + tau], each composited from the layers, so
occlusion inside the exposure is exact. Flow, visibility and defocus follow from the layers' paths: none is estimated.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray
from gvd_jax.video import layers as scene
from gvd_jax.video.high_speed import frames_between
from gvd_jax.video.layers import Layer, Sheet, Transfer, decode, encode

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "motorcycle", "rocket")  # bundled with scikit-image, in colour
LONGEST_STRIDE = 1_000_000  # frames of high-speed footage
SUBFRAME_STEP = 0.5  # pixels: the farthest a point moves between two sub-frames of an exposure


@dataclass(frozen=True)
class RenderedClip:
    """A blurry clip and its truth. Frames are float32 [T, H, W, 3], display values in [0, 1]."""

    blurry: HostArray  # rounded to 8 bits
    sharp: HostArray  # mid-exposure, in focus, without noise, not rounded
    flow: HostArray  # float32 [T, 2, H, W, 2], pixels per frame interval: i -> i+1, i -> i-1; last axis (x, y)
    visible: HostArray  # bool [T, 2, H, W]: the neighbouring frame holds the point and no other layer covers it there
    defocus: HostArray  # float32 [T, H, W], pixels: std of the Gaussian at the surface seen at mid-exposure
    duty_cycle: float  # tau = exposure / (2 * frame interval)
    transfer: Transfer
    seed: int


def render(
    layers: list[Layer],
    frames: int,
    height: int,
    width: int,
    duty_cycle: float,
    defocus: tuple[float, ...] | None = None,
    transfer: Transfer = "none",
    noise: float = 0.0,
    seed: int = 0,
) -> RenderedClip:
    """Expose `layers` (back to front) during [i - duty_cycle, i + duty_cycle] for frame i of `frames`.

    `defocus` is a Gaussian std per layer, frame pixels; light adds up in the space that `transfer` decodes to; `noise`
    is the std of Gaussian noise in display units, drawn from `seed`. Sections 5.1 and 6 (two-layer clips).
    Raises `InputError` for a background with a matte, a duty cycle outside [0, 0.5] or a defocus that does not fit.
    """
    defocus = defocus or (0.0,) * len(layers)
    _check(layers, duty_cycle, defocus)
    shape = (height, width)
    focused = [scene.make_sheet(layer, 0.0, transfer) for layer in layers]
    blurred = [scene.make_sheet(layer, std, transfer) for layer, std in zip(layers, defocus, strict=True)]
    sharp = [encode(_instant(focused, i, shape), transfer) for i in range(frames)]
    blurry = np.stack([encode(_exposure(blurred, i, duty_cycle, shape), transfer) for i in range(frames)])
    blurry = blurry + noise * np.random.default_rng(seed).standard_normal(blurry.shape)
    surface = np.stack([_surface(focused, i, shape) for i in range(frames)])
    truth = [_motion(focused, surface[i], i, i + step) for i in range(frames) for step in (1, -1)]
    zoom = np.exp([[np.real(layer.path.turn(i)) for layer in layers] for i in range(frames)])
    sigma = (zoom * np.array(defocus))[:, :, None, None]
    return RenderedClip(
        blurry=(np.round(np.clip(blurry, 0.0, 1.0) * 255) / 255).astype(np.float32),
        sharp=np.stack(sharp).astype(np.float32),
        flow=np.stack([flow for flow, _ in truth]).reshape(frames, 2, *shape, 2),
        visible=np.stack([visible for _, visible in truth]).reshape(frames, 2, *shape),
        defocus=np.take_along_axis(sigma, surface[:, None], 1)[:, 0].astype(np.float32),
        duty_cycle=duty_cycle,
        transfer=transfer,
        seed=seed,
    )


def _check(layers: list[Layer], duty_cycle: float, defocus: tuple[float, ...]) -> None:
    if not layers or layers[0].matte is not None:
        raise InputError("the first layer is the background: give one, without a matte")
    if not 0.0 <= duty_cycle <= 0.5:
        raise InputError(f"duty cycle {duty_cycle} is outside [0, 0.5]; 0.5 is a shutter that never closes")
    if len(defocus) != len(layers):
        raise InputError(f"{len(defocus)} defocus values for {len(layers)} layers; give one per layer")


def _instant(sheets: list[Sheet], time: float, shape: tuple[int, int]) -> HostArray:
    """The scene at one instant, linear light [H, W, 3]."""
    image = np.zeros((*shape, 3), np.float32)
    points = scene.grid(shape)
    for sheet in sheets:
        window = sheet.window(time, shape)
        a, b = sheet.place(time, shape)
        where = a * points[window] + b
        colour = np.stack([sheet.sample(channel, where) for channel in range(3)], -1)
        behind = 0.0 if sheet.solid else 1.0 - sheet.sample(3, where)[..., None]
        image[window] = colour + behind * image[window]
    return image


def _exposure(sheets: list[Sheet], i: int, tau: float, shape: tuple[int, int]) -> HostArray:
    """The mean of the scene over the exposure of frame i, midpoint rule, linear light [H, W, 3]."""
    corner = scene.corners(shape)
    longest = 0.0
    for sheet in sheets:
        a0, b0 = sheet.place(i, shape)
        places = [sheet.place(t, shape) for t in np.linspace(i - tau, i + tau, 17)]
        tracks = np.array([(a0 * corner + b0 - b) / a for a, b in places])
        longest = max(longest, np.abs(np.diff(tracks, axis=0)).sum(0).max())
    count = max(1, int(np.ceil(longest / SUBFRAME_STEP)))
    times = i + tau * ((2 * np.arange(count) + 1) / count - 1)
    light = np.zeros((*shape, 3))
    for time in times:
        light += _instant(sheets, time, shape)
    return light / count


def _surface(sheets: list[Sheet], i: int, shape: tuple[int, int]) -> HostArray:
    """Index of the sheet visible at each pixel of the middle of exposure i, [H, W]."""
    surface = np.zeros(shape, int)
    for k, sheet in enumerate(sheets):
        surface[sheet.covers(i, scene.grid(shape), shape)] = k
    return surface


def _motion(sheets: list[Sheet], surface: HostArray, i: int, neighbour: int) -> tuple[HostArray, HostArray]:
    """Flow [H, W, 2] of the visible surface from frame i to its neighbour, and where the neighbour sees it [H, W]."""
    shape = (surface.shape[0], surface.shape[1])
    points = scene.grid(shape)
    moved = np.zeros(shape, complex)
    for k, sheet in enumerate(sheets):
        (a0, b0), (a1, b1) = sheet.place(i, shape), sheet.place(neighbour, shape)
        moved[surface == k] = (a0 * points[surface == k] + b0 - b1) / a1
    x, y = np.real(moved), np.imag(moved)
    visible = (x >= 0) & (x <= shape[1] - 1) & (y >= 0) & (y <= shape[0] - 1)
    for k, sheet in enumerate(sheets):
        visible &= (k <= surface) | ~sheet.covers(neighbour, moved, shape)
    flow = moved - points
    return np.stack([np.real(flow), np.imag(flow)], -1).astype(np.float32), visible


def render_footage(
    layers: list[Layer], frames: int, per_interval: int, height: int, width: int, transfer: Transfer = "none"
) -> HostArray:
    """What a high-speed camera sees of `layers`: `per_interval` sharp instants of each frame interval (section 5.1).

    The interval of frame i is [i - 1/2, i + 1/2]; the middle one of its instants, if there is one, is at i. Float32
    [frames * per_interval, H, W, 3], display values rounded to 8 bits: what `average_frames` takes.
    """
    sheets = [scene.make_sheet(layer, 0.0, transfer) for layer in layers]
    times = (np.arange(frames * per_interval) + 0.5) / per_interval - 0.5
    instants = (encode(_instant(sheets, time, (height, width)), transfer) for time in times)
    return np.stack([np.round(instant * 255) / 255 for instant in instants]).astype(np.float32)


def demo_clip(seed: int = 0, transfer: Transfer = "none") -> RenderedClip:
    """Seven 256x192 frames: a shaken view of a garage and a cup that moves on its own; mean blur length about 6 px."""
    rng = np.random.default_rng(seed)
    frames, duty_cycle, speed = 7, 0.45, 6.7
    coffee = scene.photograph("coffee")
    matte = np.maximum(
        scene.ellipse(coffee.shape, 278 + 226j, 200 + 160j, 0.1), scene.ellipse(coffee.shape, 290 + 112j, 117 + 93j)
    )
    garage = Layer(scene.photograph("motorcycle"), 2.3, scene.random_path(rng, frames, speed))
    cup = Layer(coffee, 4.6, scene.random_path(rng, frames, speed, offset=60 + 20j), matte)
    return render([garage, cup], frames, 192, 256, duty_cycle, transfer=transfer, seed=seed)


def two_layer_clip(
    seed: int, motion: bool = True, defocus: bool = True, frames: int = 5, height: int = 240
) -> RenderedClip:
    """The recipe of Table 3, rendered in 4:3 under a shutter that never closes: `table_3_layers`."""
    layers, sigma = table_3_layers(seed, motion, defocus, frames, height)
    return render(layers, frames, height, height * 4 // 3, 0.5, sigma, seed=seed)


def table_3_layers(
    seed: int, motion: bool, defocus: bool, frames: int, height: int = 240
) -> tuple[list[Layer], tuple[float, float]]:
    """Photographs as in Table 3, after Wulff and Black (2014): one before another, and the Gaussian std of both.

    The std lies in [0, 2.5] px, the components of each translation per frame interval in [7, 31] px, of 320x240; a clip
    of another height shows the same scene. The paper leaves open, and we choose: this size, either sign, and an ellipse
    as the matte, which stands in the middle at mid-clip. Without `motion` or `defocus` the other is the same as with
    both.
    """
    rng = np.random.default_rng(seed)
    back, front = (scene.photograph(name) for name in rng.choice(PHOTOGRAPHS, 2, replace=False))
    components = rng.uniform(7, 31, (2, 2)) * rng.choice([-1, 1], (2, 2)) * height / 240
    sigma = rng.uniform(0, 2.5, 2) * height / 240 if defocus else np.zeros(2)
    drifts = [complex(x, y) if motion else 0j for x, y in components]
    paths = [scene.Path(-drift * (frames - 1) / 2, drift) for drift in drifts]
    rows, columns, _ = front.shape
    matte = scene.ellipse(front.shape, scene.middle(front.shape), 0.4 * columns + 0.4j * rows)
    scale = max(rows / height, columns / (height * 4 / 3))
    layers = [Layer(back, 240 / height, paths[0]), Layer(front, 1.4 * scale, paths[1], matte)]
    return layers, (float(sigma[0]), float(sigma[1]))


def exposure_starts(frames: int, frames_per_exposure: int, stride: int) -> range:
    """Where the exposures of a clip of so many `frames` start.

    Raises `InputError` if they have no middle frame, overlap, or none fits.
    """
    k = frames_per_exposure
    if k < 1 or k % 2 == 0:
        raise InputError(f"frames per exposure is {k}; it must be odd and positive, so that there is a middle frame")
    if stride < k:
        raise InputError(f"stride {stride} is below {k} frames per exposure: exposures would overlap; use {k} or more")
    if stride > LONGEST_STRIDE:
        raise InputError(f"the stride is above {LONGEST_STRIDE} frames, so that nothing is blurred; give a smaller one")
    if frames < k:
        raise InputError(f"{frames} frames do not fill one exposure of {k}; give more frames or a smaller number")
    return range(0, frames - k + 1, stride)


def average_frames(
    frames: HostArray,
    frames_per_exposure: int,
    stride: int | None = None,
    sigma: float = 0.0,
    transfer: Transfer = "none",
    between: int = 0,
) -> tuple[HostArray, HostArray, float]:
    """Section 5.1: blurry frames as means of consecutive high-speed ones; the middle frame of each mean is its truth.

    `frames` is [T, H, W, C] in [0, 1], moving at most 1 px per frame; an exposure starts every `stride` frames
    (default: `frames_per_exposure`, an always open shutter). `sigma`, pixels, blurs the frames (Table 1). `between`
    frames are interpolated between each and the next of an exposure: `frames_missing` says how many that takes.
    Returns blurry and sharp, float32 [N, H, W, C], and tau, half of the exposure over the stride.
    Raises `InputError` as `exposure_starts` does.
    """
    k, stride = frames_per_exposure, frames_per_exposure if stride is None else stride
    starts = exposure_starts(len(frames), k, stride)
    exposures = (frames[s : s + k] for s in starts)
    exposures = (frames_between(exposure, between) for exposure in exposures) if between else exposures
    blurry = [_mean_light(exposure, sigma, transfer) for exposure in exposures]
    sharp = [frames[s + k // 2] for s in starts]
    # Each of the frames stands for the time to the next.
    tau = (k - 1 + 1 / (between + 1)) / (2 * stride)
    return np.stack(blurry).astype(np.float32), np.stack(sharp).astype(np.float32), tau


def _mean_light(frames: HostArray, sigma: float, transfer: Transfer) -> HostArray:
    """Mean of frames [k, H, W, C] in the light that `transfer` decodes to, each blurred by a Gaussian first."""
    # Blurring and averaging commute, so one blur of the mean does.
    light = decode(np.asarray(frames, np.float32), transfer).mean(0, dtype=np.float64)
    return encode(ndimage.gaussian_filter(light, (sigma, sigma, 0.0), mode="nearest"), transfer)
