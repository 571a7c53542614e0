"""One window of a clip, restored tile by tile."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from gvd_jax.method.config import Config
from gvd_jax.method.deblur import Result, record, restore
from gvd_jax.method.inputs import check_duty_cycle, check_frames
from gvd_jax.method.start import find_start, samples_for_path
from gvd_jax.progress import Hook, Progress
from gvd_jax.scale.layout import Layout
from gvd_jax.scale.spans import weights
from gvd_jax.scale.survey import Survey
from gvd_jax.shapes import HostArray
from gvd_jax.trees import replace


@dataclasses.dataclass(frozen=True)
class Restored:
    """Some frames, as in `Result`, in NumPy."""

    latent: HostArray
    flow: HostArray
    defocus: HostArray
    confidence: HostArray
    duty_cycle: HostArray
    histories: list[list[Progress]]  # one of each tile


def restore_block(frames: HostArray, survey: Survey, config: Config, hooks: Sequence[Hook]) -> Result:
    """`deblur` of a part of a clip, by what is known of the whole."""
    block, config = check_frames(frames), survey.settings(config)
    recorder = record(block, config, hooks)
    start = find_start(block, check_duty_cycle(survey.duty_cycle, len(block)), config)
    # At least those of the clip: then one program serves nearly all blocks.
    samples = max(start.config.samples, samples_for_path(survey.blur))
    return restore(replace(start, config=replace(start.config, samples=samples)), recorder)


def restore_window(
    frames: Sequence[HostArray], kept: slice, layout: Layout, restore: Callable[[HostArray], Result]
) -> Restored:
    """The `kept` ones of frames T x [H, W, C], their tiles restored one after another and blended."""
    count, (height, width, channels) = len(frames[kept]), frames[0].shape
    whole = Restored(
        np.zeros((count, height, width, channels), np.float32),
        np.zeros((count, 2, height, width, 2), np.float32),
        np.zeros((count, height, width), np.float32),
        np.zeros((count, height, width), np.float32),
        np.zeros(count, np.float32),
        [],
    )
    for rows, vertical in zip(layout.rows, weights(layout.rows), strict=True):
        for columns, horizontal in zip(layout.columns, weights(layout.columns), strict=True):
            y, x = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
            share = vertical[:, None] * horizontal
            result = restore(np.stack([frame[y, x] for frame in frames]))
            whole.latent[:, y, x] += share[..., None] * np.asarray(result.latent)[kept]
            whole.flow[:, :, y, x] += share[..., None] * np.asarray(result.flow)[kept]
            whole.defocus[:, y, x] += share * np.asarray(result.defocus)[kept]
            whole.confidence[:, y, x] += share * np.asarray(result.confidence)[kept]
            whole.duty_cycle[:] += np.asarray(result.duty_cycle)[kept] / layout.tiles
            whole.histories.append([dataclasses.replace(step, info=None) for step in result.history])
    return whole
