"""What editors, codecs and containers do to a clip."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from experiments.footage.clip import HEIGHT, WIDTH, Clip, Kind, as_images, eight_bits, noisy, shoot, under
from gvd_jax.shapes import HostArray

RATE = 25


def as_video(
    frames: HostArray, path: Path, suffix: str, encoder: str, options: dict[str, str], kind: str = "yuv420p"
) -> Path:
    """A video under an encoder's options."""
    path = path.with_suffix(suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, RATE, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], kind
        stream.codec_context.colorspace = 1
        for image in eight_bits(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=kind, dst_colorspace=1)))
        container.mux(stream.encode())
    return path


def _coded(
    name: str,
    strength: float,
    suffix: str,
    encoder: str,
    options: Callable[[float], dict[str, str]],
    kind: str = "yuv420p",
) -> Clip:
    """The noisy blurry frames through an encoder at that strength; the truth is what it did not see."""
    clip = shoot(name)
    write = partial(as_video, suffix=suffix, encoder=encoder, options=options(strength), kind=kind)
    return Clip(noisy(clip.blurry, 1 / 255), clip.sharp, write)


def _constant_quantiser(quantiser: float) -> dict[str, str]:
    return {"qmin": f"{quantiser:.0f}", "qmax": f"{quantiser:.0f}"}


def _jpeg(name: str, quality: float) -> Clip:
    """Images of that quality."""

    def write(frames: HostArray, path: Path) -> Path:
        path.mkdir(parents=True)
        for number, frame in enumerate(eight_bits(frames)):
            Image.fromarray(frame).save(path / f"{number:04d}.jpg", quality=int(quality))
        return path

    clip = shoot(name)
    return Clip(clip.blurry, np.clip(clip.sharp, 0, 1), write)


def _levels(name: str, bits: float) -> Clip:
    """So many bits per channel: skies in steps."""
    clip, most = shoot(name), 2**bits - 1
    return Clip(np.round(clip.blurry * most) / most, clip.sharp, as_images)


def _enlarged(name: str, times: float) -> Clip:
    """A clip that was shrunk by so much and enlarged again."""

    def change(frames: HostArray) -> HostArray:
        small = zoom(gaussian_filter(frames, (0, times / 3, times / 3, 0)), (1, 1 / times, 1 / times, 1), order=3)
        return np.clip(zoom(small, (1, HEIGHT / small.shape[1], WIDTH / small.shape[2], 1), order=3), 0, 1)

    clip = shoot(name)
    return Clip(change(clip.blurry), clip.sharp, as_images)


def _sharper(frames: HostArray, amount: float) -> HostArray:
    """What a camera does by itself: an unsharp mask of 1.5 pixels."""
    return np.clip(frames + amount * (frames - gaussian_filter(frames, (0, 1.5, 1.5, 0))), 0, 1)


def _sharpened(name: str, amount: float) -> Clip:
    """Frames that a camera has sharpened, which the truth is not."""
    clip = shoot(name)
    return Clip(_sharper(clip.blurry, amount), clip.sharp, as_images)


def _sharpening(name: str, amount: float) -> Clip:
    """The truth is what the same camera shows of a sharp scene: whether frames were sharpened they do not tell."""
    return under(lambda frames: _sharper(frames, amount), shoot(name))


def _smoothed(name: str, width: float) -> Clip:
    """What a camera does against noise: every frame smoothed a little, which the truth is not."""
    clip = shoot(name)
    return Clip(gaussian_filter(clip.blurry, (0, width, width, 0)), clip.sharp, as_images)


def _averaged(name: str, share: float) -> Clip:
    """A denoiser over time has left so much of the frame before in every frame."""
    clip = shoot(name)
    blurry = clip.blurry.copy()
    blurry[1:] = (1 - share) * clip.blurry[1:] + share * clip.blurry[:-1]
    return Clip(blurry, clip.sharp, as_images)


def _gray(name: str, tint: float) -> Clip:
    """A gray clip, or one in a tone like old photographs."""

    def change(frames: HostArray) -> HostArray:
        luma = frames @ np.array([0.2126, 0.7152, 0.0722])
        return np.clip(luma[..., None] * (1 + tint * np.array([0.1, 0.0, -0.15])), 0, 1)

    return under(change, shoot(name))


KINDS = {
    "H.264": Kind(partial(_coded, suffix=".mp4", encoder="libx264", options=lambda q: {"crf": f"{q:.0f}"}), (28, 38)),
    "H.265": Kind(
        partial(
            _coded,
            suffix=".mp4",
            encoder="libx265",
            options=lambda q: {"crf": f"{q:.0f}", "x265-params": "log-level=none"},
        ),
        (28, 38),
    ),
    "VP9": Kind(
        partial(_coded, suffix=".webm", encoder="libvpx-vp9", options=lambda q: {"crf": f"{q:.0f}", "b": "0"}), (32, 50)
    ),
    "MPEG-2": Kind(
        partial(
            _coded, suffix=".mpg", encoder="mpeg2video", options=lambda q: {"qmin": f"{q:.0f}", "qmax": f"{q:.0f}"}
        ),
        (4, 12),
    ),
    "Motion JPEG": Kind(
        partial(
            _coded,
            suffix=".avi",
            encoder="mjpeg",
            options=_constant_quantiser,
            kind="yuvj420p",
        ),
        (4, 14),
    ),
    "JPEG images": Kind(_jpeg, (75, 30)),
    "few levels": Kind(_levels, (6, 5)),
    "enlarged": Kind(_enlarged, (1.5, 2)),
    "sharpened by the camera": Kind(_sharpened, (0.5, 1.5)),
    "sharpened like its truth": Kind(_sharpening, (0.5, 1.5)),
    "smoothed by the camera": Kind(_smoothed, (0.5, 1.0)),
    "averaged over time": Kind(_averaged, (0.2, 0.4)),
    "gray and sepia": Kind(_gray, (0.0, 1.0)),
}
