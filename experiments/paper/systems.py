"""The systems of the paper's tables, each from a clip to what it restores, and how they are scored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.baselines import zhu, zhuo_sim
from experiments.baselines.deconvolution import deconvolve
from experiments.clips import INTERIOR, TrueClip, textured
from experiments.exact import restore_exactly
from experiments.paper.layout import row_name
from experiments.results import Results, Row
from gvd_jax import metrics
from gvd_jax.shapes import HostArray

ALL_LEVELS = 17
QUICK_LEVELS = 2  # of a pyramid of 17: every size is a program of its own to compile, which is what takes long


@dataclass(frozen=True)
class Restored:
    """Frames [T, H, W, C], flow [T, 2, H, W, 2] and defocus [T, H, W], as far as a system finds them."""

    latent: HostArray | None = None
    flow: HostArray | None = None
    defocus: HostArray | None = None


System = Callable[[TrueClip], Restored]


def blurry(clip: TrueClip) -> Restored:
    """What every system starts from."""
    return Restored(clip.blurry)


def ours(clip: TrueClip) -> Restored:
    """The default."""
    return _blind(clip, gvd.Config.default())


def without_temporal_term(clip: TrueClip) -> Restored:
    """The default without Eq. (5) in the latent frames."""
    return _blind(clip, gvd.Config.default().with_weights(temporal=0.0, temporal_far=0.0))


def exact(clip: TrueClip) -> Restored:
    """Our latent frames with the true flow and defocus."""
    result = restore_exactly(clip, gvd.Config.default().with_transfer(clip.transfer))
    return Restored(np.asarray(result.latent))


def predecessor(levels: int, samples: int) -> System:
    """[20], Kim and Lee 2015: the preset `gvd2015`, of whose pyramid the finest `levels` are kept.

    `samples` per side of the exposure serve all clips, whatever their motion, so that they share their programs.
    """

    def restore(clip: TrueClip) -> Restored:
        found = _as_published(clip, gvd.Config.gvd2015(), levels, samples)
        return Restored(found.latent, found.flow)

    return restore


def as_printed(levels: int, samples: int) -> System:
    """The paper's own constants and kernel: the preset `paper`, with `levels` and `samples` as for [20]."""
    return lambda clip: _as_published(clip, gvd.Config.paper(), levels, samples)


def by_edges(clip: TrueClip) -> Restored:
    """[24], Zhuo and Sim 2011: defocus from edges and deconvolution, frame by frame."""
    return _in_focus(clip.blurry, zhuo_sim.defocus_map)


def by_spectra(clip: TrueClip) -> Restored:
    """[23], Zhu et al. 2013: defocus from local spectra and deconvolution, frame by frame."""
    return _in_focus(clip.blurry, zhu.defocus_map)


def once(system: System) -> System:
    """The same, which restores a clip anew only if it was not the last one."""
    last: list[tuple[TrueClip, Restored]] = []

    def restore(clip: TrueClip) -> Restored:
        if not last or last[0][0] is not clip:
            last[:] = [(clip, system(clip))]
        return last[0][1]

    return restore


def two_stages(motion: System) -> System:
    """[20]+[24]: the motion first, then the defocus."""

    def restore(clip: TrueClip) -> Restored:
        latent = motion(clip).latent
        assert latent is not None
        return _in_focus(latent, zhuo_sim.defocus_map)

    return restore


def gray(frames: HostArray) -> HostArray:
    """[T, H, W] of [T, H, W, C]."""
    return frames.mean(-1, dtype=np.float32)


def scores(clip: TrueClip, restored: Restored) -> Row:
    """PSNR and SSIM, end-point error where the flow is known, error of the defocus where there is texture.

    The ends are not scored: [20] does not restore them. Raises `InputError` if there is nothing between them.
    """
    if len(clip.sharp) < 3:
        raise gvd.InputError(
            f"{clip.name} has {len(clip.sharp)} frames; give 3, for the first and the last are not scored"
        )
    row: Row = {}
    if restored.latent is not None:
        latent, sharp = restored.latent[INTERIOR], clip.sharp[INTERIOR]
        row |= {"PSNR": metrics.psnr(latent, sharp).mean(), "SSIM": metrics.ssim(latent, sharp).mean()}
    if restored.flow is not None and clip.known[INTERIOR].any():
        truth = np.nan_to_num(clip.flow[INTERIOR])
        row["EPE px"] = metrics.end_point_error(restored.flow[INTERIOR], truth, clip.known[INTERIOR])
    if restored.defocus is not None and np.isfinite(clip.defocus).all():
        seen = textured(clip.sharp)[INTERIOR]
        row["sigma RMSE px"] = metrics.defocus_error(restored.defocus[INTERIOR], clip.defocus[INTERIOR], seen)
    return {key: round(float(value), 4) for key, value in row.items()}


def measure(
    kept: Results,
    named: Sequence[str],
    clip: str,
    condition: str,
    systems: Mapping[str, System],
    make_clip: Callable[[], TrueClip],
) -> None:
    """Add the rows of a clip under a condition that are wanted; the clip is only made if one is."""
    rows = {row_name(clip, condition, system): restore for system, restore in systems.items()}
    wanted = {row: restore for row, restore in rows.items() if kept.wants(row, named)}
    if wanted:
        shown = make_clip()
        for row, restore in wanted.items():
            kept.add(row, scores(shown, restore(shown)))


def _as_published(clip: TrueClip, config: gvd.Config, levels: int, samples: int) -> Restored:
    start, *pyramid, last = config.schedule
    config = gvd.replace(config, schedule=(start, *pyramid[-levels:], last), blur=config.blur.with_samples(samples))
    found = gvd.deblur_pure(jnp.asarray(clip.blurry), clip.duty_cycle, config.with_transfer(clip.transfer))
    return Restored(**{name: np.asarray(found[name]) for name in found})


def _blind(clip: TrueClip, config: gvd.Config) -> Restored:
    result = gvd.deblur(clip.blurry, clip.duty_cycle, config.with_transfer(clip.transfer))
    return Restored(np.asarray(result.latent), np.asarray(result.flow), np.asarray(result.defocus))


def _in_focus(frames: HostArray, defocus_map: Callable[[HostArray], HostArray]) -> Restored:
    latent, maps = frames.copy(), np.zeros(frames.shape[:3], np.float32)
    for i in range(len(frames))[INTERIOR]:  # seconds for a frame; the others are not scored
        maps[i] = defocus_map(frames[i])
        latent[i] = deconvolve(frames[i], maps[i])
    return Restored(latent, defocus=maps)
