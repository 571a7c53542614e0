"""One window of a clip, restored tile by tile."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from gvd_jax.method.camera import samples_for_path
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import Result, restore_scene
from gvd_jax.method.inputs import check_frames
from gvd_jax.model.axes import Part, within
from gvd_jax.progress import Hook, Progress
from gvd_jax.scale.layout import Layout
from gvd_jax.scale.spans import Span, weights
from gvd_jax.scale.survey import Survey
from gvd_jax.shapes import HostArray
from gvd_jax.trees import replace

# Of what is kept, whatever is solved for.
AXES = {"defocus": "T H W", "confidence": "T H W", "still": "T H W", "continues": "T", "camera exposure": "T 2"}
AXES |= {"duty_cycle": "T", "gamma": ""}
AXES |= {"duty_cycle_error": "", "gamma_error": ""}


@dataclasses.dataclass(frozen=True)
class Restored:
    """Some frames: every unknown by its name, `confidence`, `still`, `continues`, and of the camera its exposure,
    `duty_cycle` and `gamma` with their errors, as in `Result`, in NumPy."""

    values: dict[str, HostArray]
    histories: list[list[Progress]]  # one of each tile

    def __getitem__(self, name: str) -> HostArray:
        return self.values[name]


def restore_block(frames: HostArray, survey: Survey, config: Config, hooks: Sequence[Hook], first: int = 0) -> Result:
    """`deblur` of some pictures of a clip, by what is known of the whole; `config` is cut to them.

    `first` is the number of the first one.
    """
    block = check_frames(frames, fewest=1)  # all frames of a clip may show one picture
    # At least the reads of the clip: then one program serves nearly all blocks.
    least = samples_for_path(survey.blur)
    given = survey.shutter(len(block))
    result = restore_scene(survey.scene(block, first), given, survey.settings(config), hooks, least)
    # What the survey has found is given here, without an error.
    camera = result.camera
    tau_error = camera.duty_cycle_error + survey.duty_cycle_error
    gamma_error = camera.gamma_error + survey.gamma_error
    return replace(result, camera=replace(camera, duty_cycle_error=tau_error, gamma_error=gamma_error))


def restore_window(
    frames: Sequence[HostArray],
    span: Span,
    layout: Layout,
    config: Config,
    restore: Callable[[HostArray, Config], Result],
) -> Restored:
    """The frames of a span that are kept, of its frames [H, W, C], their tiles restored one by one and blended.

    `restore` takes a block and the settings that are cut to it.
    """
    axes = AXES | {unknown.name: unknown.axes for unknown in config.unknowns}
    kept, (height, width, _) = slice(span.first - span.start, span.last - span.start), frames[0].shape
    whole = Restored({}, [])
    for rows, vertical in zip(layout.rows, weights(layout.rows), strict=True):
        for columns, horizontal in zip(layout.columns, weights(layout.columns), strict=True):
            tile = Part(slice(span.start, span.stop), slice(rows.start, rows.stop), slice(columns.start, columns.stop))
            result = restore(np.stack([frame[tile.rows, tile.columns] for frame in frames]), within(config, tile))
            values = {"defocus": result.defocus, "confidence": result.confidence, "still": result.still}
            values |= {"continues": np.array(result.timeline.continues, np.float32)}
            camera = result.camera
            values |= {
                "camera exposure": camera.exposure,
                "duty_cycle": camera.duty_cycle,
                "gamma": camera.transfer.gamma,
            }
            values |= {"duty_cycle_error": camera.duty_cycle_error, "gamma_error": camera.gamma_error}
            values |= {name: result.unknowns[name] for name in result.unknowns}
            for name, value in values.items():
                part = np.asarray(value)[kept] if "T" in axes[name].split() else np.asarray(value)
                _add(whole.values, name, axes[name], part, (height, width), tile, (vertical, horizontal), layout)
            whole.histories.append([dataclasses.replace(step, info=None) for step in result.history])
    return whole


def _add(
    values: dict[str, HostArray],
    name: str,
    axes: str,
    part: HostArray,
    size: tuple[int, int],
    tile: Part,
    shares: tuple[HostArray, HostArray],
    layout: Layout,
) -> None:
    """Add the `part` of an array that a tile holds, by the share of its rows and columns; what has none is averaged."""
    names = axes.split()
    shape, place, weight = list(part.shape), [slice(None)] * part.ndim, np.ones((), np.float32)
    ways = zip(("H", "W"), size, (tile.rows, tile.columns), shares, (layout.rows, layout.columns), strict=True)
    for axis, whole, spot, share, spans in ways:
        if axis in names:
            k = names.index(axis)
            shape[k], place[k] = whole, spot
            weight = weight * share.reshape(-1, *[1] * (part.ndim - 1 - k))
        else:
            weight = weight / len(spans)
    values.setdefault(name, np.zeros(shape, np.float32))[tuple(place)] += weight * part
