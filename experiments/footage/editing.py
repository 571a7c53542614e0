"""What an editor makes of a clip: borders, a background, a palette, grain."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from experiments.footage.clip import FRAMES, HEIGHT, WIDTH, Clip, Kind, as_images, eight_bits, noisy, shoot, under
from gvd_jax.shapes import HostArray


def _stabilised(name: str, most: float) -> Clip:
    """Every frame moved by up to so many pixels along either axis, and black where it has left its place."""
    moves = np.random.default_rng(7).integers(-int(most), int(most) + 1, (FRAMES, 2))

    def change(frames: HostArray) -> HostArray:
        moved = np.zeros_like(frames)
        for own, frame, (down, right) in zip(moved, frames, moves, strict=True):
            there, here = np.s_[max(down, 0) : HEIGHT + down], np.s_[max(-down, 0) : HEIGHT - down]
            across, from_it = np.s_[max(right, 0) : WIDTH + right], np.s_[max(-right, 0) : WIDTH - right]
            own[there, across] = frame[here, from_it]
        return moved

    return under(change, shoot(name), tau=None)  # the blur is not along the motion that is left


def _upright(name: str, columns: float) -> Clip:
    """So many columns of the clip in the middle, beside them its own picture, enlarged and blurred, which moves."""
    x = np.arange(WIDTH)[:, None]
    inside = abs(x - (WIDTH - 1) / 2) < columns / 2

    def change(frames: HostArray) -> HostArray:
        rows, width = np.s_[HEIGHT // 4 : HEIGHT * 3 // 4], np.s_[WIDTH // 4 : WIDTH * 3 // 4]
        enlarged = zoom(frames[:, rows, width], (1, 2, 2, 1), order=1)
        return np.where(inside, frames, gaussian_filter(enlarged, (0, 6, 6, 0)))

    return under(change, shoot(name))


def _palette(name: str, colours: float) -> Clip:
    """So many colours, and dots for those between them, as in a GIF."""
    clip = shoot(name)
    images = [Image.fromarray(frame).quantize(int(colours)).convert("RGB") for frame in eight_bits(clip.blurry)]
    return Clip(np.stack([np.asarray(image) for image in images]) / 255, np.clip(clip.sharp, 0, 1), as_images)


def _grain(name: str, deviation: float) -> Clip:
    """Grain of a film, a pixel wide and the same in all colours, display values."""
    clip = shoot(name)
    grain = gaussian_filter(noisy(np.zeros((FRAMES, HEIGHT, WIDTH, 1)), 1.0, 6), (0, 0.8, 0.8, 0))
    return Clip(np.clip(clip.blurry + deviation * grain / grain.std(), 0, 1), np.clip(clip.sharp, 0, 1), as_images)


KINDS = {
    "stabilised": Kind(_stabilised, (3, 8), "border"),
    "upright film": Kind(_upright, (108, 80), "border"),
    "palette": Kind(_palette, (128, 32)),
    "film grain": Kind(_grain, (0.01, 0.03)),
}
