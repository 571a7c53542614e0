"""Presets on rendered clips with known truth: how much better the restored clip is than the blurry one.

    python -m experiments.quality DATA [--rows d1_default ...]

DATA holds the folders of the clips. Rows that experiments/results/quality.json has are measured again only if named.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

import gvd_jax as gvd
from experiments.clips import TrueClip, read_clip
from experiments.results import Results, Row
from gvd_jax import metrics
from gvd_jax.commands.compile_cache import use_compile_cache

WHOLE = (slice(None), slice(None))
CENTRE = (slice(180, 540), slice(400, 880))  # 480x360 of 1280x720
INTERIOR = slice(1, -1)


@dataclass(frozen=True)
class Trial:
    """One row: a clip, a preset, and whether the duty cycle is given or found."""

    clip: str
    preset: str
    duty_cycle: str = "given"
    crop: tuple[slice, slice] = WHOLE


TRIALS = {
    "d1_default": Trial("d1_motion", "default"),
    "d2_default": Trial("d2_motion_linear", "default"),
    "d4_default": Trial("d4_720p", "default", crop=CENTRE),
    "d3_default": Trial("d3_both", "default"),
    "r1_default": Trial("r1_hero", "default"),
    "d1_auto": Trial("d1_motion", "default", "auto"),
    "d2_auto": Trial("d2_motion_linear", "default", "auto"),
    "d3_auto": Trial("d3_both", "default", "auto"),
    "d1_fast": Trial("d1_motion", "fast"),
    "d1_gvd2015": Trial("d1_motion", "gvd2015"),
    "d3_gvd2015": Trial("d3_both", "gvd2015"),
    "d3_paper": Trial("d3_both", "paper"),
}


def measure(trial: Trial, data: Path, pictures: Path) -> Row:
    """Restore the clip and compare it with its truth; the middle frames are left in `pictures`."""
    clip = read_clip(data / trial.clip, trial.crop)
    config = getattr(gvd.Config, trial.preset)().with_transfer(clip.transfer)
    start = time.monotonic()
    result = gvd.deblur(clip.blurry, clip.duty_cycle if trial.duty_cycle == "given" else "auto", config)
    seconds = time.monotonic() - start
    _draw(clip, np.asarray(result.latent), pictures / f"{trial.clip}_{trial.preset}_{trial.duty_cycle}.png")
    return _scores(clip, result) | {"seconds": round(seconds, 1)}


def _scores(clip: TrueClip, result: gvd.Result) -> Row:
    blurry, restored = metrics.psnr(clip.blurry, clip.sharp), metrics.psnr(result.latent, clip.sharp)
    ssim = metrics.ssim(result.latent, clip.sharp)
    row = {
        "blurry dB": blurry.mean(),
        "gain dB": (restored - blurry).mean(),
        "interior gain dB": (restored - blurry)[INTERIOR].mean(),
        "SSIM": ssim.mean(),
        "interior SSIM": ssim[INTERIOR].mean(),
        "flicker": metrics.temporal_consistency(result.latent, clip.sharp),
        "tau": float(np.mean(result.duty_cycle)),
        "true tau": clip.duty_cycle,
    }
    if clip.known.any():
        row["EPE px"] = metrics.end_point_error(result.flow, np.nan_to_num(clip.flow), clip.known)
    if clip.defocus.any():
        everywhere = np.ones(clip.defocus.shape, bool)
        row["sigma RMSE px"] = metrics.defocus_error(result.defocus, clip.defocus, everywhere)
    return {key: round(float(value), 4) for key, value in row.items()}


def _draw(clip: TrueClip, latent: np.ndarray, path: Path) -> None:
    from gvd_jax.view.figures import before_after, save

    path.parent.mkdir(parents=True, exist_ok=True)
    k = len(latent) // 2
    save(before_after({"blurry": clip.blurry[k], "restored": latent[k], "truth": clip.sharp[k]}), path)


def main(
    data: tyro.conf.Positional[Path],
    rows: tuple[str, ...] = (),
    results: Path = Path("experiments/results/quality.json"),
    pictures: Path = Path("experiments/pictures"),
) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    use_compile_cache()
    kept = Results(results)
    for name, trial in TRIALS.items():
        if name in rows or (not rows and name not in kept.rows):
            kept.add(name, measure(trial, data, pictures))
    print(kept.table())


if __name__ == "__main__":
    tyro.cli(main)
