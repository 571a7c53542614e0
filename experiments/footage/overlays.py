"""What does not move with the scene: subtitles, clocks, logos, bars, dust, a windscreen, rain."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from experiments.footage.clip import FRAMES, HEIGHT, WIDTH, Clip, Kind, exposed, shoot, under
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import ellipse, photograph


def _letters(text: str, size: float, place: tuple[float, float], outline: int = 0) -> tuple[HostArray, HostArray]:
    """How far letters, and letters with their outline, cover every pixel, [H, W, 1] both."""
    covered = []
    for width in (0, outline):
        image = Image.new("L", (WIDTH, HEIGHT))
        font = ImageFont.load_default(size)
        ImageDraw.Draw(image).text(place, text, 255, font, "mm", stroke_width=width)
        covered.append(np.asarray(image, np.float32)[..., None] / 255)
    return covered[0], covered[1]


def _over(frames: HostArray, value: HostArray | float, cover: HostArray) -> HostArray:
    return (1 - cover) * frames + cover * value


def _subtitle(name: str, size: float) -> Clip:
    """White letters of that height with a black outline."""
    letters, all_of_it = _letters("And then it moved.", size, (WIDTH / 2, HEIGHT - 16), 1)
    return under(lambda frames: _over(_over(frames, 0.0, all_of_it), 1.0, letters), shoot(name))


def _clock(name: str, every: float) -> Clip:
    """Digits that change every so many frames."""
    covers = [_letters(f"00:0{int(k // every)}", 14, (WIDTH - 30, 14))[0] for k in range(FRAMES)]
    return under(lambda frames: _over(frames, 1.0, np.stack(covers)), shoot(name))


def _logo(name: str, opacity: float) -> Clip:
    """Half transparent letters in a corner."""
    letters, _ = _letters("TV 1", 22, (34, 20))
    return under(lambda frames: _over(frames, 0.9, opacity * letters), shoot(name))


def _watermark(name: str, opacity: float) -> Clip:
    """A half transparent word again and again over the whole frame."""
    cover = sum(_letters("SAMPLE", 16, (x, y))[0] for x in (35, 95, 155) for y in (24, 72, 120))
    return under(lambda frames: _over(frames, 1.0, opacity * np.clip(cover, 0, 1)), shoot(name))


def _bars(name: str, rows: float) -> Clip:
    """Black bars above and below."""
    y = np.arange(HEIGHT)[:, None, None]
    return under(lambda frames: frames * ((y >= rows) & (y < HEIGHT - rows)), shoot(name))


def _pillars(name: str, columns: float) -> Clip:
    """The clip in the middle of a wider frame, beside it its own blurred picture, which does not change."""
    x = np.arange(WIDTH)[:, None]
    inside = (x >= columns) & (x < WIDTH - columns)
    clip = shoot(name)
    beside = gaussian_filter(clip.sharp[0], (12, 12, 0))
    return under(lambda frames: np.where(inside, frames, beside), clip)


def _display(name: str, opacity: float) -> Clip:
    """What a game draws over its scene: a map with a frame, a bar, a number."""
    image = Image.new("RGBA", (WIDTH, HEIGHT))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    draw.rectangle((6, 6, 54, 46), (30, 60, 30, 255), (220, 220, 160, 255), 2)
    draw.ellipse((26, 20, 32, 26), (240, 40, 40, 255))
    draw.rectangle((8, HEIGHT - 14, 80, HEIGHT - 8), (200, 30, 30, 255), (255, 255, 255, 255))
    draw.text((WIDTH - 30, HEIGHT - 14), "x 42", (255, 255, 255, 255), font, "mm")
    colours = np.asarray(image, np.float32) / 255
    return under(lambda frames: _over(frames, colours[..., :3], opacity * colours[..., 3:]), shoot(name))


def _spots(sharpness: float) -> HostArray:
    """Soft spots, [H, W, 1] in [0, 1]."""
    rng, cover = np.random.default_rng(5), np.zeros((HEIGHT, WIDTH))
    for _ in range(6):
        centre = complex(rng.uniform(10, WIDTH - 10), rng.uniform(10, HEIGHT - 10))
        radius = rng.uniform(3, 8)
        cover = np.maximum(cover, ellipse((HEIGHT, WIDTH), centre, radius + 1j * radius))
    return gaussian_filter(cover, sharpness)[..., None]


def _dust(name: str, depth: float) -> Clip:
    """Soft dark spots: dust on the lens takes so much of the light."""
    return under(lambda frames: exposed(frames, 1 - depth * _spots(2.0)), shoot(name))


def _windscreen(name: str, share: float) -> Clip:
    """A window that mirrors so much of another scene, out of focus, which does not move."""
    mirrored = gaussian_filter(photograph("coffee")[50 : 50 + HEIGHT, 60 : 60 + WIDTH], (2, 2, 0))
    return under(lambda frames: np.clip(frames * (1 - share) + share * mirrored, 0, 1), shoot(name))


def _ticker(name: str, speed: float) -> Clip:
    """White letters on a black strip that run to the left by so many pixels a frame, as sharp as they are drawn."""
    words = "  quick news  " * 4
    covers = [_letters(words, 12, (WIDTH / 2 - speed * k, HEIGHT - 9))[0] for k in range(FRAMES)]
    strip = (np.arange(HEIGHT) >= HEIGHT - 18)[:, None, None]
    return under(lambda frames: np.where(strip, np.stack(covers), frames), shoot(name))


def _rain(name: str, drops: float) -> Clip:
    """So many drops in every frame, upright strokes that are sharp across."""
    return _falling(name, drops, length=12, width=1, value=0.8, opacity=0.6)


def _snow(name: str, flakes: float) -> Clip:
    """So many flakes in every frame."""
    return _falling(name, flakes, length=2, width=2, value=0.95, opacity=1.0)


def _falling(name: str, count: float, length: int, width: int, value: float, opacity: float) -> Clip:
    """What is elsewhere in every frame."""
    rng, cover = np.random.default_rng(3), np.zeros((FRAMES, HEIGHT, WIDTH, 1))
    for own in cover:
        for _ in range(int(count)):
            y, x = rng.integers(HEIGHT - length), rng.integers(WIDTH - width)
            own[y : y + length, x : x + width] = opacity
    return under(lambda frames: _over(frames, value, cover), shoot(name))


KINDS = {
    "subtitle": Kind(_subtitle, (10, 15), "stands still"),
    "clock": Kind(_clock, (4, 1)),
    "logo": Kind(_logo, (0.3, 0.7), "stands still"),
    "watermark": Kind(_watermark, (0.15, 0.4), "stands still"),
    "letterbox": Kind(_bars, (12, 24), "stands still"),
    "pillarbox": Kind(_pillars, (24, 48), "stands still"),
    "display of a game": Kind(_display, (1.0, 0.7), "stands still"),
    "dust": Kind(_dust, (0.3, 0.7)),
    "windscreen": Kind(_windscreen, (0.15, 0.35)),
    "ticker": Kind(_ticker, (2, 5)),
    "rain": Kind(_rain, (20, 60)),
    "snow": Kind(_snow, (20, 60)),
}
