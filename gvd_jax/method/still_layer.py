"""What stands still before a scene that moves: subtitles, clocks, logos, the frames of a game's display, dark bars.

It is not blurred, and the scene behind it is: thin strokes would get the flow of the scene and be torn. So it is taken
off before anything is solved, and put back in the end.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from gvd_jax.method.borders import find_seams, find_unfilled
from gvd_jax.method.data_weight import CLIPPED, codec_worth
from gvd_jax.method.exposure_change import clips_when_even, even_exposure
from gvd_jax.method.noise import noise_level
from gvd_jax.method.programs import brief_jit
from gvd_jax.ops.platform import placed
from gvd_jax.ops.warp import has_neighbour, one_shot
from gvd_jax.shapes import Array, Bool, Continues, Float, Frames, HostArray
from gvd_jax.trees import pytree

STILL = 3 / 255  # display values: a smaller change is none, nor is one of so many deviations of the noise
DEVIATIONS = 4.0
LONG = 4  # intervals without a change; less of a shorter shot, but two at least
SHORT, STRONG = 2, 40 / 255  # intervals that are enough for edges of so many display values per pixel, as of letters
# Of the pixels with an edge so many change, for of a plain sky nobody sees whether it moves; where fewer do, the camera
# stands still and so does the scene. Scenes that move have .75 and more in experiments/footage, objects before a still
# scene .62 and less.
MOVES = 0.67
# Times the mean difference of neighbours between the bars: at their ends it is 3.4 and more in experiments/footage,
# where a part of a scene is still at one side at least 1 and less.
JUMP = 2.0
EDGE = 12 / 255  # display values per pixel
PIXELS = 8  # of edges in a part of the layer
TURNS = 0.07  # of the energy of a part's edges runs across the rest
FAINT_EDGE, ROUNDING = 5 / 255, 1 / 255  # display values per pixel
SURE, PERHAPS = 5.0, 3.0  # standard errors: edges that reach the second count beside one that reaches the first
ENOUGH = 6  # frames: a median of fewer is no rest, and in clips without a layer up to 40 % would count
OF_MEDIAN = 1.4826  # a standard deviation over the median of the absolute deviations
SMALLEST = 32  # rows and columns: of less nothing is known
SHARPER = 1.15  # times the usual of the shot: squared slopes of a picture in which the camera stood
ALL_AROUND = np.ones((3, 3), bool)
WIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # pixels: the scene behind the layer is the mean of what is seen around it


@pytree
class Scene:
    """Pictures of scenes that move.

    `continues` [T] is 0 before a cut; `frames` [T, H, W, C] show what is around a `layer` [T, H, W], 0 or 1, in its
    place, which stands still before the scene in the `original` ones or is its border; `worth` [T], in (0, 1], is what
    a codec leaves of the weight of a frame, where it says; `unsaid` [T] is 1 where it does not, and 0 elsewhere;
    `rests` [T] whether the camera stood still in a picture at an end of its shot.
    """

    original: Frames
    frames: Frames
    continues: Continues
    layer: Float[Array, "T H W"]
    worth: Float[Array, "T"]
    unsaid: Float[Array, "T"]
    rests: Bool[Array, "T"]

    @property
    def trust(self) -> Float[Array, "T H W"]:
        """How far the frames show the scene: not beside the layer either, where derivatives of a residual see it."""
        return _trust(self.layer, self.worth)


@brief_jit
def _trust(layer: Float[Array, "T H W"], worth: Float[Array, "T"]) -> Float[Array, "T H W"]:
    nothing = np.zeros((), layer.dtype)
    beside = jax.lax.reduce_window(layer, nothing, jax.lax.max, (1, 3, 3), (1, 1, 1), "SAME")
    return worth[:, None, None] * (1 - beside)


def find_scene(
    frames: Frames,
    continues: Continues | None = None,
    codec_error: Float[Array, "T"] | None = None,
    rests: HostArray | None = None,
) -> Scene:
    """Pictures without what stands still before them, and what lies beside a border of theirs.

    `continues` [T] is 0 before a cut, by default there is none; `codec_error` [T] the standard deviation of what a
    codec has added, display values, NaN where it does not say, by default 0; `rests` [T] as `Timeline` finds them, by
    default none.
    """
    linked = one_shot(len(frames), frames.dtype) if continues is None else continues
    pictures, shots = np.asarray(frames), _shots(np.asarray(linked))
    layer = find_still_layer(pictures, np.asarray(linked)) | find_unfilled(pictures)
    without = take_off(pictures, layer)
    for start, stop in shots:
        layer[start:stop] |= find_seams(without[start:stop])
    shown = placed(take_off(pictures, layer), frames.dtype) if layer.any() else frames
    error = np.zeros(len(frames), frames.dtype) if codec_error is None else np.asarray(codec_error)
    unsaid = np.isnan(error)
    worth = codec_worth(np.where(unsaid, 0, error))
    layer, worth, unsaid = (placed(np.asarray(part, frames.dtype)) for part in (layer, worth, unsaid))
    still = np.zeros(len(frames), bool) if rests is None else rests & _sharper(pictures, shots)
    return Scene(frames, shown, linked, layer, worth, unsaid, placed(still))


def _sharper(frames: HostArray, shots: list[tuple[int, int]]) -> HostArray:
    """Which frames are sharper than usual in their shot, bool [T]: a picture that was frozen by an editor is not."""
    down, right = (np.diff(frames, axis=axis) for axis in (1, 2))
    slopes = np.square(down).sum((1, 2, 3)) + np.square(right).sum((1, 2, 3))
    usual = [np.full(stop - start, np.median(slopes[start:stop])) for start, stop in shots]
    return slopes > SHARPER * np.concatenate(usual)


@brief_jit
def original_where_kept(latent: Frames, exposure: Float[Array, "T 2"], continues: Array, scene: Scene) -> Frames:
    """The latent frames with the original ones where something stands still before the scene, in pictures that rest or
    that no neighbour explains, and where one was clipped, by the sensor or by even exposures, and is no other now."""
    clipped = (scene.original >= CLIPPED) | clips_when_even(scene.original, exposure)
    change = jnp.abs(even_exposure(latent, exposure) - even_exposure(scene.original, exposure))
    lost = clipped & (change <= 1 - CLIPPED)
    unblurred = (~has_neighbour(continues) | scene.rests)[:, None, None, None]
    return jnp.where((scene.layer[..., None] > 0) | unblurred | lost, scene.original, latent)


def find_still_layer(frames: HostArray, continues: HostArray) -> HostArray:
    """Where the frames [T, H, W, C], display values, show such a layer, bool [T, H, W]; `continues` [T] is 0 before a
    cut."""
    still = np.zeros(frames.shape[:3], bool)
    for start, stop in _shots(continues):
        if stop - start >= 3 and min(frames.shape[1:3]) >= SMALLEST:
            still[start:stop] = _of_shot(frames[start:stop])
    return still


def _shots(continues: HostArray) -> list[tuple[int, int]]:
    """From and to of every shot."""
    stops = (np.flatnonzero(np.asarray(continues) == 0) + 1).tolist()
    return list(zip([0, *stops[:-1]], stops, strict=True))


def _of_shot(frames: HostArray) -> HostArray:
    change = np.stack([np.abs(after - before).max(-1) for before, after in pairwise(frames)])
    gray = frames.mean(-1)
    noise = float(np.asarray(noise_level(placed(gray), one_shot(len(gray))))[0])
    unchanged = change <= max(STILL, DEVIATIONS * noise)
    lasting = _in_runs(unchanged, min(LONG, len(unchanged)))
    bars = _bars(lasting)
    scene = ~bars if _stand_out(gray, bars) else np.ones_like(bars)
    shown = scene & (np.hypot(*np.gradient(gray[:-1], axis=(1, 2))) > FAINT_EDGE)
    if not shown.any() or 1 - unchanged[shown].mean() < MOVES:
        return np.zeros(frames.shape[:3], bool)
    # What belongs to the layer in one frame does so in all in which it lasts.
    parts = lasting & _parts(gray, lasting, EDGE).any(0)
    brief = _parts(gray, _in_runs(unchanged, min(SHORT, len(unchanged))), STRONG)
    views = (gray, *np.moveaxis(frames, -1, 0))  # of a coloured outline one channel may show more than their mean
    return parts | brief | bars | np.any([_outlines(view) for view in views], 0)


def _in_runs(unchanged: HostArray, least: int) -> HostArray:
    """Which pixels of frames [T, H, W] are in so many intervals [T - 1, H, W] one after the other without a change."""

    def before(intervals: HostArray) -> HostArray:
        """Intervals without a change that end at every frame."""
        counts = [np.zeros(intervals.shape[1:], int)]
        for own in intervals:
            counts.append(np.where(own, counts[-1] + 1, 0))
        return np.stack(counts)

    return before(unchanged) + before(unchanged[::-1])[::-1] >= least


def _parts(gray: HostArray, lasting: HostArray, least: float) -> HostArray:
    """The connected parts of what lasts in a frame that have edges in more than one direction, of at `least` so many
    display values per pixel: of frames [T, H, W]."""

    def of_frame(gray: HostArray, lasting: HostArray) -> HostArray:
        down, right = np.gradient(gray)
        edge = lasting & (np.hypot(down, right) > least)
        chosen = _turning(edge, ndimage.binary_dilation(edge, ALL_AROUND, 2) & lasting, down, right)
        return chosen | (ndimage.binary_fill_holes(chosen) & lasting)

    return np.stack([of_frame(*own) for own in zip(gray, lasting, strict=True)])


def _outlines(gray: HostArray) -> HostArray:
    """The outlines of what is half transparent, whose edges stay while the scene shines through, [T, H, W].

    The edges of a scene that moves come and go: the median over the frames forgets them, if there are enough. A part is
    in a frame that has at least half of its edges.
    """
    if len(gray) < ENOUGH:
        return np.zeros(gray.shape, bool)
    down, right = np.gradient(gray, axis=(1, 2))
    middle_down, middle_right = np.median(down, 0), np.median(right, 0)
    strength = np.hypot(middle_down, middle_right)
    spread = np.hypot(*(np.median(np.abs(x - m), 0) for x, m in ((down, middle_down), (right, middle_right))))
    error = OF_MEDIAN * spread / (_independent(down, right) / 2) ** 0.5 + ROUNDING
    perhaps = (strength > FAINT_EDGE) & (strength > PERHAPS * error)
    labels, _ = ndimage.label(ndimage.binary_dilation(perhaps, ALL_AROUND), ALL_AROUND)
    edge = perhaps & np.isin(labels, np.unique(labels[perhaps & (strength > SURE * error)]))
    parts = _turning(edge, ndimage.binary_dilation(edge, ALL_AROUND), middle_down, middle_right)
    labels, count = ndimage.label(parts, ALL_AROUND)
    numbers = np.arange(count + 1)
    whole = ndimage.sum(np.square(strength) * edge, labels, numbers)
    shown = (down * middle_down + right * middle_right) * edge
    return np.stack([parts & (ndimage.sum(own, labels, numbers) >= whole / 2)[labels] for own in shown])


def _independent(*derivatives: HostArray) -> float:
    """How many of the frames say something new; of a scene that hardly moves few do.

    A share r of the variance over time is between neighbours (von Neumann 1941); in a first-order process r / (2 - r)
    of the frames would. Squared, for what moves least has the longest memory.
    """
    after = sum(np.square(np.diff(x, axis=0)).mean() / 2 for x in derivatives)
    whole = sum(x.var(0, ddof=1).mean() for x in derivatives)
    ratio = float(np.clip(after / max(whole, np.finfo(np.float32).tiny), 0.02, 1))
    return len(derivatives[0]) * (ratio / (2 - ratio)) ** 2


def _turning(edge: HostArray, near: HostArray, down: HostArray, right: HostArray) -> HostArray:
    """The connected parts of `near`, pixels beside edges, whose edges have more than one direction: one along the
    motion looks still."""
    labels, count = ndimage.label(near, ALL_AROUND)
    numbers = np.arange(1, count + 1)

    def total(x: HostArray) -> HostArray:
        return ndimage.sum(np.where(edge, x, 0.0), labels, numbers)

    xx, yy, xy = total(right * right), total(down * down), total(right * down)
    root = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    turns = xx + yy - root > TURNS * (xx + yy + root)
    return np.isin(labels, numbers[turns & (total(np.ones_like(down)) >= PIXELS)])


def _bars(lasting: HostArray) -> HostArray:
    """Rows and columns at the borders that do not change in any frame."""
    bars = np.zeros(lasting.shape[1:], bool)
    for marks, lines in ((bars, lasting.min((0, 2))), (bars.T, lasting.min((0, 1)))):
        marks[: _leading(lines)] = True
        marks[len(lines) - _leading(lines[::-1]) :] = True
    return bars


def _stand_out(gray: HostArray, bars: HostArray) -> bool:
    """Whether frames [T, H, W] jump where bars end, as the still parts of a scene do not."""
    rows, columns = (np.flatnonzero(~bars.all(axis)) for axis in (1, 0))
    if not bars.any() or not rows.size:
        return False
    for across, lines, others in ((gray, rows, columns), (gray.swapaxes(1, 2), columns, rows)):
        steps = np.abs(np.diff(across[:, :, others[0] : others[-1] + 1], axis=1)).mean((0, 2))
        ends = [k for k in (lines[0] - 1, lines[-1]) if 0 <= k < len(steps)]
        if any(steps[k] < JUMP * steps[lines[0] : lines[-1]].mean() for k in ends):
            return False
    return True


def _leading(lines: HostArray) -> int:
    """How many of the first ones are."""
    return int(np.argmin(lines)) if not lines.all() else 0


def take_off(frames: HostArray, layer: HostArray) -> HostArray:
    """The frames [T, H, W, C] with what is seen around the layer [T, H, W] in its place."""
    filled = np.array(frames)
    for frame, own in zip(filled, layer, strict=True):
        if not own.any():
            continue
        seen, todo = (~own).astype(frame.dtype), own.copy()
        for width in WIDTHS:
            share = ndimage.gaussian_filter(seen, width, mode="nearest")
            ready = todo & (share > 0.1)
            for channel in np.moveaxis(frame, -1, 0):
                around = ndimage.gaussian_filter(seen * channel, width, mode="nearest")
                channel[ready] = around[ready] / share[ready]
            todo &= ~ready
            if not todo.any():
                break
    return filled
