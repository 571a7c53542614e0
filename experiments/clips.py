"""Clips with known truth: rendered here, or folders: blur/, sharp/, flow/, occ/, perhaps sigma/, and meta.json."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import jax.numpy as jnp
import numpy as np
import skimage.data
from scipy.ndimage import uniform_filter

import gvd_jax as gvd
from gvd_jax.ops.transfer import Transfer
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import Layer, ellipse, photograph, random_path
from gvd_jax.video.synthesize import RenderedClip, render

DIRECTIONS = ("fwd", "bwd")
INTERIOR = slice(1, -1)  # all frames but the first and the last, whose motion only one neighbour shows
TEXTURE = 0.05  # display values: the standard deviation in a 7x7 window from which defocus can be seen


def rendered_clip(frames: int, height: int, width: int, duty_cycle: float, motion: float) -> RenderedClip:
    """A photograph under a hand-held shake of `motion` pixels per frame interval on average."""
    path = random_path(np.random.default_rng(0), frames, motion)
    return render([Layer(photograph("motorcycle"), 1.0, path)], frames, height, width, duty_cycle)


def defocused_clip(back: str, front: str, defocus: tuple[float, float], seed: int) -> RenderedClip:
    """Seven frames 320x240 of a photograph that moves before another, each with its `defocus` [px], and noise."""
    rng = np.random.default_rng(seed)
    behind, before = photograph(back), photograph(front)
    height, width, _ = before.shape
    shape = ellipse(before.shape, width / 2 + 1j * height / 2, width / 4 + 1j * height / 3, 0.3)
    layers = [
        Layer(behind, 1.0, random_path(rng, 7, 5.0)),
        Layer(before, 1.5, random_path(rng, 7, 6.0, offset=-30 + 20j), shape),
    ]
    return render(layers, 7, 240, 320, 0.45, defocus, noise=0.003, seed=seed)


def textured(sharp: HostArray) -> np.ndarray:
    """Where frames [T, H, W, C] have texture enough to see a defocus, bool [T, H, W]."""
    gray = sharp.mean(-1, dtype=np.float64)
    mean, square = (np.stack([uniform_filter(frame, 7) for frame in x]) for x in (gray, gray**2))
    return square - mean**2 > TEXTURE**2


@dataclass(frozen=True)
class TrueClip:
    """A clip and all that explains it. Frames [T, H, W, 3] are display values in [0, 1]."""

    name: str
    blurry: HostArray
    sharp: HostArray
    flow: HostArray  # [T, 2, H, W, 2], pixels per frame interval; not known before the first and after the last frame
    known: HostArray  # bool [T, 2, H, W]: the neighbouring frame exists and shows the point
    defocus: HostArray  # [T, H, W], standard deviation in pixels, or NaN
    duty_cycle: float
    transfer: str  # the curve under which the blur added up


def fitting_duty_cycle(blurry: HostArray, sharp: HostArray, flow: Any, transfer: Transfer) -> float:
    """The duty cycle under which the true frames, blurred along the flow, come nearest to the blurry ones.

    It is what a clip can tell. It is not the camera's where a path bends more than two neighbours show: the motion
    within an exposure is another than the mean over two intervals.
    """
    motion = gvd.Unknowns(flow=jnp.asarray(flow))
    blur = gvd.Blur((gvd.MotionBlur(samples=16),))
    light = transfer.to_linear(jnp.asarray(sharp))

    def error(tau: float) -> float:
        blurred = blur(light, motion, gvd.observe(jnp.asarray(blurry), tau, blur, transfer))
        return float(jnp.square(transfer.to_display(blurred) - blurry)[1:-1].mean())

    taus = np.arange(0.02, 0.601, 0.02)
    return float(taus[np.argmin([error(tau) for tau in taus])])


def read_clip(path: Path, crop: tuple[slice, slice] = (slice(None), slice(None))) -> TrueClip:
    """Read the clip in folder `path`, or the rows and columns of `crop`.

    Without flow/ the flow is that of the affine maps in meta.json, and without those unknown (NaN).
    """
    meta = json.loads((path / "meta.json").read_text())
    blurry, sharp = (gvd.read_video(path / name).frames[:, *crop] for name in ("blur", "sharp"))
    clip = of_frames(path.name, blurry, sharp, meta["tau"])
    flow, known, frames = clip.flow, clip.known, len(blurry)
    maps = np.array(meta.get("affine_image_to_texture", []))  # [layer, frame, 2, 3]
    for i in range(frames):
        for k, (direction, step) in enumerate(zip(DIRECTIONS, (1, -1), strict=True)):
            file = path / "flow" / f"{i:04d}_{direction}.npy"
            if file.exists():
                flow[i, k] = np.load(file)[crop]
            elif len(maps) and 0 <= i + step < frames:
                flow[i, k] = _affine_flow(maps[:, i], maps[:, i + step], iio.imread(path / "layer" / f"{i:04d}.png"))[
                    crop
                ]
            if not np.isnan(flow[i, k]).any():
                hidden = iio.imread(path / "occ" / f"{i:04d}_{direction}.png", mode="L")[crop] > 0
                known[i, k] = ~hidden & _inside(flow[i, k])
    files = sorted((path / "sigma").glob("*.npy"))
    defocus = np.stack([np.load(file)[crop] for file in files]) if files else np.zeros(blurry.shape[:3])
    transfer = "none" if meta["gamma"] == 1.0 else "gamma22"
    return replace(clip, defocus=defocus.astype(np.float32), transfer=transfer)


def of_frames(name: str, blurry: HostArray, sharp: HostArray, duty_cycle: float) -> TrueClip:
    """A clip of which nothing is known but the sharp frames: flow and defocus are NaN."""
    frames, height, width, _ = sharp.shape
    flow = np.full((frames, 2, height, width, 2), np.nan, np.float32)
    known = np.zeros(flow.shape[:-1], bool)
    return TrueClip(name, blurry, sharp, flow, known, np.full(sharp.shape[:3], np.nan, np.float32), duty_cycle, "none")


def read_sintel(path: Path, scene: str) -> TrueClip:
    """A scene of MPI Sintel in folder `path`: the final pass, which has blur and mist, and the clean one for truth."""
    final, clean = (gvd.read_video(path / "training" / kind / scene).frames for kind in ("final", "clean"))
    return of_frames(scene, final, clean, np.nan)


def sharp_clip(name: str, data: Path) -> TrueClip:
    """A clip in which nothing is to be removed but noise of 1/255, in eight bits.

    A still photograph with a soft background ("tripod"), a text that scrolls under a still bar ("screen"), the truth of
    a clip in folder `data`, or a video of sharp_video there at half its size.
    """
    if name == "tripod":
        photo = iio.imread(data / "defocus_mask_dog" / "image.jpg").astype(np.float32) / 255
        sharp = np.repeat(_smaller(photo[None], -(-photo.shape[1] // 640)), 7, 0)
    elif name == "screen":
        text = np.repeat(skimage.data.page()[..., None].astype(np.float32) / 255, 3, -1)
        sharp = np.stack([np.concatenate([text[:24], np.roll(text, -5 * k, 0)]) for k in range(9)])
    elif (data / name).is_dir():
        sharp = read_clip(data / name).sharp
    else:
        sharp = _smaller(gvd.read_video(data / "sharp_video" / f"{name}.mp4", slice(20, 29)).frames, 2)
    noisy = sharp + np.random.default_rng(0).standard_normal(sharp.shape) / 255
    blurry = (np.round(np.clip(noisy, 0, 1) * 255) / 255).astype(np.float32)
    return of_frames(name, blurry, np.asarray(sharp, np.float32), np.nan)


def _smaller(frames: HostArray, times: int) -> HostArray:
    """By the mean over blocks of so many rows and columns."""
    count, height, width, channels = frames.shape
    rows, columns = height // times, width // times
    frames = frames[:, : rows * times, : columns * times]
    return frames.reshape(count, rows, times, columns, times, channels).mean((2, 4))


def of_rendered(name: str, clip: RenderedClip) -> TrueClip:
    """A rendered clip with its truth."""
    return TrueClip(
        name, clip.blurry, clip.sharp, clip.flow, clip.visible, clip.defocus, clip.duty_cycle, clip.transfer
    )


def _affine_flow(here: HostArray, there: HostArray, layer: HostArray) -> HostArray:
    """Flow [H, W, 2] of the `layer` [H, W] seen at each pixel, whose maps to its texture are `here` and `there`."""
    height, width = layer.shape
    y, x = np.mgrid[:height, :width].astype(float)
    points = np.stack([x, y], -1)
    flow = np.empty((height, width, 2), np.float32)
    for k, (a, b) in enumerate(zip(here, there, strict=True)):
        texture = points @ a[:, :2].T + a[:, 2]
        moved = (texture - b[:, 2]) @ np.linalg.inv(b[:, :2]).T
        flow[layer == k] = (moved - points)[layer == k]
    return flow


def _inside(flow: HostArray) -> HostArray:
    height, width, _ = flow.shape
    y, x = np.mgrid[:height, :width]
    x, y = x + flow[..., 0], y + flow[..., 1]
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def still_clip(name: str, noise: float, transfer: str) -> TrueClip:
    """Five times the same piece of a photograph, 320x240, sharp and in eight bits: nothing to do but denoise."""
    photo = photograph(name)[30:270, 60:380]
    sharp = np.round(np.repeat(photo[None].astype(np.float32), 5, 0) * 255) / 255
    noisy = sharp + noise * np.random.default_rng(3).standard_normal(sharp.shape)
    blurry = (np.round(np.clip(noisy, 0, 1) * 255) / 255).astype(np.float32)
    frames, height, width, _ = blurry.shape
    return TrueClip(
        name,
        blurry,
        sharp,
        flow=np.zeros((frames, 2, height, width, 2), np.float32),
        known=np.zeros((frames, 2, height, width), bool),
        defocus=np.zeros((frames, height, width), np.float32),
        duty_cycle=0.5,
        transfer=transfer,
    )


def flickering(clip: TrueClip, depth: float) -> TrueClip:
    """The clip under an exposure that changes from frame to frame: a gain of up to `depth` less, and a small offset."""
    gain, offset = depth * np.random.default_rng(0).uniform(size=(2, len(clip.blurry), 1, 1, 1))

    def exposed(frames: HostArray) -> HostArray:
        return np.clip((1 - gain) * frames + 0.2 * offset, 0, 1).astype(np.float32)

    return replace(clip, blurry=exposed(clip.blurry), sharp=exposed(clip.sharp))


def clipped_clip() -> TrueClip:
    """Two moving photographs so bright that a fifth of the pixels is clipped, after the blur as in a sensor."""
    rng = np.random.default_rng(41)
    front = 1.4 * photograph("rocket")
    height, width, _ = front.shape
    shape = ellipse(front.shape, width / 2 + 1j * height / 2, width / 4 + 1j * height / 3, 0.3)
    layers = [
        Layer(2.0 * photograph("motorcycle"), 1.0, random_path(rng, 7, 6.0)),
        Layer(front, 1.5, random_path(rng, 7, 5.0, offset=-30 + 20j), shape),
    ]
    clip = render(layers, 7, 240, 320, 0.45, noise=0.002, seed=41)
    return replace(of_rendered("clipped", clip), sharp=np.clip(clip.sharp, 0, 1))
