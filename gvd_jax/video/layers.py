"""Photographs in motion: the layers that `synthesize` composites into clips.

A layer is a photograph, perhaps cut out by a matte, that moves by a similarity transform smooth in time. Points of the
frame and of a texture are complex numbers x + iy: a similarity transform is then z -> a z + b.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage
from skimage import data

from gvd_jax.shapes import HostArray

Transfer = Literal["none", "gamma22", "srgb"]

ANTIALIAS = 0.4  # frame pixels: std of the Gaussian that stands for a pixel's area, so that sharp frames do not alias


@dataclass(frozen=True)
class Path:
    """A layer's motion, x(t) = position(t) + exp(turn(t)) x0: t in frame intervals, x in pixels from the frame centre.

    Shake and twist are sums of waves exp(2 pi i frequency t); without waves the layer drifts at constant velocity.
    """

    offset: complex = 0.0  # pixels: where the layer's centre is at t = 0, without shake
    drift: complex = 0.0  # pixels per frame interval
    frequency: HostArray | None = None  # [K], cycles per frame interval, either sign
    shake: HostArray | None = None  # [K] complex, pixels
    twist: HostArray | None = None  # [K] complex, log zoom + i * radians

    def position(self, time: float) -> complex:
        """Where the layer's centre is, pixels from the frame's centre."""
        return self.offset + self.drift * time + self._waves(self.shake, time)

    def turn(self, time: float) -> complex:
        """Log zoom + i * radians."""
        return self._waves(self.twist, time)

    def _waves(self, amplitude: HostArray | None, time: float) -> complex:
        if self.frequency is None or amplitude is None:
            return 0j
        return complex(np.sum(amplitude * np.exp(2j * np.pi * self.frequency * time)))


@dataclass(frozen=True)
class Layer:
    """A photograph and how it moves. Without a matte it fills the frame, mirrored beyond its borders."""

    texture: HostArray  # [h, w, 3], display values in [0, 1]
    scale: float  # texture pixels per frame pixel
    path: Path
    matte: HostArray | None = None  # [h, w] in [0, 1], 1 where the layer is solid


@dataclass(frozen=True)
class Sheet:
    """A layer ready to sample: cubic spline coefficients in linear light, colours premultiplied by the matte."""

    planes: HostArray  # [3, h, w], and a fourth plane, the matte, if the layer has one
    scale: float
    path: Path

    @property
    def solid(self) -> bool:
        """True if the sheet fills the frame."""
        return len(self.planes) == 3

    def place(self, time: float, shape: tuple[int, int]) -> tuple[complex, complex]:
        """(a, b) of the transform z -> a z + b from a frame of that shape to the texture."""
        a = self.scale * np.exp(-self.path.turn(time))
        return a, middle(self.planes.shape[1:]) - a * (middle(shape) + self.path.position(time))

    def sample(self, plane: int, points: HostArray) -> HostArray:
        """One plane at complex texture coordinates, float32."""
        mode = "mirror" if self.solid else "constant"
        where = np.stack([np.imag(points), np.real(points)])
        return ndimage.map_coordinates(self.planes[plane], where, np.float32, order=3, mode=mode, prefilter=False)

    def covers(self, time: float, points: HostArray, shape: tuple[int, int]) -> HostArray:
        """Where the sheet is more opaque than not, at complex points of the frame."""
        if self.solid:
            return np.ones(points.shape, bool)
        a, b = self.place(time, shape)
        return self.sample(3, a * points + b) > 0.5

    def window(self, time: float, shape: tuple[int, int]) -> tuple[slice, slice]:
        """The rows and columns of the frame that the sheet can touch."""
        if self.solid:
            return slice(0, shape[0]), slice(0, shape[1])
        a, b = self.place(time, shape)
        corner = (corners(self.planes.shape[1:]) - b) / a
        low_x, high_x = np.clip([corner.real.min(), corner.real.max() + 1], 0, shape[1]).astype(int)
        low_y, high_y = np.clip([corner.imag.min(), corner.imag.max() + 1], 0, shape[0]).astype(int)
        return slice(low_y, high_y), slice(low_x, high_x)


def make_sheet(layer: Layer, defocus: float, transfer: Transfer) -> Sheet:
    """Blur a layer, once and in its texture, by its pixel area and by a defocus of that std (frame pixels)."""
    std = layer.scale * float(np.hypot(ANTIALIAS, defocus))
    light = decode(np.asarray(layer.texture, np.float32), transfer)
    mode = "mirror"
    if layer.matte is not None:
        mode, margin = "constant", int(np.ceil(4 * std)) + 2  # room for the blurred matte to fade out
        light = np.concatenate([light, np.ones_like(light[..., :1])], -1) * layer.matte[..., None]
        light = np.pad(light, ((margin, margin), (margin, margin), (0, 0)))
    blurred = (ndimage.gaussian_filter(plane, std, mode=mode) for plane in np.moveaxis(light, -1, 0))
    splines = [ndimage.spline_filter(plane, 3, mode="mirror") for plane in blurred]
    return Sheet(np.stack(splines).astype(np.float32), layer.scale, layer.path)


def decode(values: HostArray, transfer: Transfer) -> HostArray:
    """Linear light of display values, both in [0, 1]."""
    if transfer == "gamma22":
        return values**2.2
    if transfer == "srgb":
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return values


def encode(light: HostArray, transfer: Transfer) -> HostArray:
    """Display values of linear light clipped to [0, 1]: the inverse of `decode`."""
    light = np.clip(light, 0.0, 1.0)
    if transfer == "gamma22":
        return light ** (1 / 2.2)
    if transfer == "srgb":
        return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return light


def middle(shape: tuple[int, ...]) -> complex:
    """The centre of an array as a complex point."""
    return complex((shape[1] - 1) / 2, (shape[0] - 1) / 2)


def corners(shape: tuple[int, ...]) -> HostArray:
    """The four corners of an array as complex points, [4]."""
    return np.array([0, shape[1] - 1, 1j * (shape[0] - 1), shape[1] - 1 + 1j * (shape[0] - 1)])


def grid(shape: tuple[int, ...]) -> HostArray:
    """The pixels of an array as complex points, [H, W]."""
    return np.arange(shape[1]) + 1j * np.arange(shape[0])[:, None]


def random_path(
    rng: np.random.Generator, frames: int, speed: float, turn: float = 0.004, offset: complex = 0.0, waves: int = 8
) -> Path:
    """A hand-held shake that curves and turns back, on average `speed` pixels per frame interval over `frames` frames.

    `turn` is the rms of rotation (radians) and log zoom together. The fastest wave has 0.2 cycles per frame interval:
    one exposure sees a smooth arc, yet forward and backward flow differ.
    """
    frequency = rng.uniform(0.06, 0.2, waves) * np.where(np.arange(waves) % 2, 1, -1)
    shake, twist = (rng.standard_normal((2, waves)) + 1j * rng.standard_normal((2, waves))) / np.abs(frequency)
    unscaled = Path(frequency=frequency, shake=shake)
    places = np.array([unscaled.position(t) for t in range(frames)])
    scale = speed / np.abs(np.diff(places)).mean()
    return Path(offset - scale * places.mean(), 0.0, frequency, scale * shake, turn * twist / np.linalg.norm(twist))


def photograph(name: str) -> HostArray:
    """A photograph bundled with scikit-image, float32 [h, w, 3] in [0, 1]: "astronaut", "chelsea", "motorcycle", ..."""
    pixels = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.float32) / 255


def ellipse(shape: tuple[int, ...], centre: complex, radii: complex, tilt: float = 0.0) -> HostArray:
    """A matte [h, w] that is 1 inside an ellipse: centre and radii are x + iy in pixels, `tilt` in radians."""
    point = (grid(shape[:2]) - centre) * np.exp(-1j * tilt)
    return ((point.real / radii.real) ** 2 + (point.imag / radii.imag) ** 2 <= 1).astype(np.float32)
