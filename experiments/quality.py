"""Presets on clips with known truth, and the default with one ingredient less: how much better is it than the input?

    python -m experiments.quality DATA [--rows d1_default ...]

DATA holds the folders of the clips. Rows that experiments/results/quality.json has are measured again only if named.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import tyro

import gvd_jax as gvd
from experiments.clips import (
    INTERIOR,
    TrueClip,
    clipped_clip,
    flickering,
    read_clip,
    read_sintel,
    sharp_clip,
    still_clip,
    textured,
)
from experiments.command import run
from experiments.exact import restore_exactly
from experiments.results import Results, Row
from gvd_jax import metrics
from gvd_jax.shapes import HostArray

WHOLE = (slice(None), slice(None))
SAMPLES = 24  # per side of the exposure: enough for 40 px
CENTRE = (slice(180, 540), slice(400, 880))  # 480x360 of 1280x720


@dataclass(frozen=True)
class Trial:
    """One row: a clip under settings, and what is given: duty cycle and transfer, or flow and defocus as well."""

    clip: str
    config: gvd.Config
    crop: tuple[slice, slice] = WHOLE
    found: tuple[str, ...] = ()  # "duty cycle", "transfer": found instead of given
    flicker: float = 0.0  # by how much the exposure changes
    exact: bool = False  # flow and defocus are the true ones, and only the latent frames are solved for


DEFAULT = gvd.Config.default()
CLIPS = {"d1": "d1_motion", "d2": "d2_motion_linear", "d3": "d3_both", "d4": "d4_720p", "r1": "r1_hero"}
FOOTAGE = {"r4": "r4_alley", "r5": "r5_market", "r6": "r6_lane", "r7": "r7_ball", "r8": "r8_run", "r9": "r9_street"}
CROPS = {"d4": CENTRE}
SINTEL = ("cave_2", "market_5", "alley_1")
SHARP = ("tripod", "screen", "dog", "juggle", "r5_market", "r8_run")  # nothing is to be done: `sharp_clip`


def _believing(**changes: Any) -> gvd.Config:
    """The default, which believes otherwise of neighbours and pixels."""

    def change(stage: Any) -> tuple[gvd.Stage, ...]:
        believe = getattr(stage, "believe", None)
        if not isinstance(believe, gvd.Confirmed):
            return (stage,)
        return (gvd.replace(stage, believe=gvd.replace(believe, **changes)),)

    return DEFAULT.with_stages(change)


def _without_search() -> gvd.Config:
    """The flow only goes on from the last one, in latent frames that do, and the motion of the ends stays a guess."""
    searching = ("search", "ends", "afresh", "guess ends")
    latent: Any = next(stage for stage in DEFAULT.stages if stage.name == "latent")

    def change(stage: Any) -> tuple[gvd.Stage, ...]:
        if stage.name == "colour":
            return (gvd.replace(stage, believe=latent.believe),)
        return () if stage.name in searching else (latent if stage.name == "draft" else stage,)

    return DEFAULT.with_stages(change)


def _with_levels(change: Callable[[gvd.Level], tuple[gvd.Level, ...]]) -> gvd.Config:
    """The default with every level replaced by those that `change` gives for it."""
    entries = (change(entry) if isinstance(entry, gvd.Level) else (entry,) for entry in DEFAULT.schedule)
    return gvd.replace(DEFAULT, schedule=tuple(entry for changed in entries for entry in changed))


def _first_round(level: gvd.Level) -> tuple[gvd.Level, ...]:
    """The stages up to those in which latent frames start for the second time."""
    _, second = (k for k, stage in enumerate(level.stages) if stage.name == "afresh")
    return (gvd.replace(level, stages=level.stages[:second]),)


def _linearised_by(model: gvd.FiniteDifference | gvd.Gradient, config: gvd.Config) -> gvd.Config:
    """Linear models by another slope than the gradient: the difference that the paper prints, or a mean gradient."""

    def change(role: Any) -> Any:
        exact = isinstance(role, gvd.Linearised) and isinstance(role.model, gvd.Gradient)
        return gvd.Linearised(model) if exact else role

    return config.with_blocks(
        lambda block: gvd.replace(block, roles={name: change(role) for name, role in block.roles.items()})
    )


# One ingredient of the default switched off at a time.
WITHOUT = {
    "quadratic_path": DEFAULT.with_blur(*gvd.Config.paper().blur.operators),
    "strong_data_term": DEFAULT.with_weights(data=250.0),
    "noise_weight": _believing(model_error=jnp.inf),
    "flow_search": _without_search(),
    "confidence": _believing(unconfirmed=1.0, ends=1.0),
    "clipping": _believing(clipped=1.0),
    "temporal_term": DEFAULT.with_weights(temporal=0.0, temporal_far=0.0),
    "half_size": _with_levels(lambda level: (level,) if level.scale == 1 else ()),
    "second_round": _with_levels(_first_round),
    "final_data": _believing(data=1.0),
    "soften": DEFAULT.without_stage("soften"),
    "blend": DEFAULT.without_stage("blend"),
    "shake": DEFAULT.without_unknown("shake"),
    "duty_cycle": DEFAULT.without_unknown("duty_cycle"),
    "defocus": DEFAULT.without_defocus(),
}
STILL = {
    "still": ("coffee", 0.0, "none"),
    "still_noisy": ("astronaut", 0.01, "none"),
    "still_linear_noisy": ("chelsea", 0.004, "gamma22"),
}


def _trials() -> dict[str, Trial]:
    default = {f"{c}_default": Trial(name, DEFAULT, CROPS.get(c, WHOLE)) for c, name in CLIPS.items()}
    told = {f"{c}_default": Trial(name, DEFAULT) for c, name in FOOTAGE.items()}
    # As a user types it who knows nothing but the clip.
    found = ("duty cycle", "transfer")
    typed = {f"{c}_typed": Trial(name, DEFAULT, CROPS.get(c, WHOLE), found) for c, name in (CLIPS | FOOTAGE).items()}
    typed |= {f"{scene}_typed": Trial(scene, DEFAULT, found=found) for scene in SINTEL}
    typed |= {f"{name}_sharp": Trial(f"sharp {name}", DEFAULT, found=found) for name in SHARP}
    learned = {f"{c}_learned": Trial(name, gvd.Config.learned(), CROPS.get(c, WHOLE)) for c, name in CLIPS.items()}
    presets = {
        "d1_fast": Trial("d1_motion", gvd.Config.fast()),
        "d1_gvd2015": Trial("d1_motion", gvd.Config.gvd2015()),
        "d3_gvd2015": Trial("d3_both", gvd.Config.gvd2015()),
        "d3_paper": Trial("d3_both", gvd.Config.paper()),
    }
    # As long a way as that of the difference.
    slopes = {"finite_difference": gvd.FiniteDifference(), "mean_gradient": gvd.Gradient(reach=0.5)}
    for name in ("d1_gvd2015", "d3_gvd2015", "d3_paper"):
        usual = presets[name]
        for slope, model in slopes.items():
            presets[f"{name}_{slope}"] = gvd.replace(usual, config=_linearised_by(model, usual.config))
    exact = {f"{c}_exact": Trial(CLIPS[c], DEFAULT, CROPS.get(c, WHOLE), exact=True) for c in ("d1", "d2", "d3", "d4")}
    still = {name: Trial(name, DEFAULT) for name in STILL}
    without = {
        f"{c}_without_{part}": Trial(CLIPS[c], config) for part, config in WITHOUT.items() for c in ("d1", "d2", "d3")
    }
    without |= {
        f"{c}_without_{part}": Trial(name, WITHOUT[part], found=found)
        for part in ("shake", "duty_cycle", "soften")
        for c, name in FOOTAGE.items()
    }
    uneven = gvd.replace(DEFAULT, camera=gvd.replace(DEFAULT.camera, exposure_change=jnp.inf))
    hard = {
        "clipped": Trial("clipped", DEFAULT),
        "clipped_without_clipping": Trial("clipped", WITHOUT["clipping"]),
        "d1_flicker": Trial("d1_motion", DEFAULT, flicker=0.15),
        "d1_flicker_without_even_exposure": Trial("d1_motion", uneven, flicker=0.15),
    }
    return default | told | typed | learned | presets | exact | still | hard | without


TRIALS = _trials()


def measure(name: str, trial: Trial, data: Path, pictures: Path) -> Row:
    """Restore the clip and compare it with its truth; the middle frames are left in `pictures`."""
    clip = flickering(read_trial(trial, data), trial.flicker)
    config = trial.config.with_transfer("auto" if "transfer" in trial.found else clip.transfer)
    start, start_cpu = time.monotonic(), time.process_time()
    if trial.exact:
        result = restore_exactly(clip, config)
    else:
        result = gvd.deblur(clip.blurry, "auto" if "duty cycle" in trial.found else clip.duty_cycle, config)
    latent = np.asarray(result.latent)
    seconds = {"seconds": round(time.monotonic() - start, 1), "CPU s": round(time.process_time() - start_cpu, 1)}
    _draw(clip, latent, pictures / f"{name}.png")
    explained = round(float(metrics.psnr(reblurred(result, config), clip.blurry).mean()), 4)
    return frame_scores(clip, latent) | _scores_of_maps(clip, result) | {"explained dB": explained} | seconds


def read_trial(trial: Trial, data: Path) -> TrueClip:
    """The clip of a row, from a folder of the `data`, from MPI Sintel in it, or rendered."""
    if trial.clip in STILL:
        return still_clip(*STILL[trial.clip])
    if trial.clip in SINTEL:
        return read_sintel(data / "sintel", trial.clip)
    if trial.clip.startswith("sharp "):
        return sharp_clip(trial.clip.removeprefix("sharp "), data)
    return clipped_clip() if trial.clip == "clipped" else read_clip(data / trial.clip, trial.crop)


def frame_scores(clip: TrueClip, latent: HostArray) -> Row:
    """What restored frames [T, H, W, C], display values, are against the truth and the blurry ones."""
    blurry, restored = metrics.psnr(clip.blurry, clip.sharp), metrics.psnr(latent, clip.sharp)
    ssim = metrics.ssim(latent, clip.sharp)
    return _finite(
        {
            "blurry dB": blurry.mean(),
            "restored dB": restored.mean(),
            "gain dB": (restored - blurry).mean(),
            "worst frame gain dB": (restored - blurry).min(),
            "tone-matched gain dB": (tone_matched(latent, clip.sharp) - tone_matched(clip.blurry, clip.sharp)).mean(),
            "interior gain dB": (restored - blurry)[INTERIOR].mean(),
            "blurry SSIM": metrics.ssim(clip.blurry, clip.sharp).mean(),
            "SSIM": ssim.mean(),
            "interior SSIM": ssim[INTERIOR].mean(),
            "flicker": metrics.temporal_consistency(latent, clip.sharp),
            "blurry flicker": metrics.temporal_consistency(clip.blurry, clip.sharp),
        }
    )


def reblurred(result: gvd.Result, config: gvd.Config) -> HostArray:
    """The blurry frames as the restored ones explain them, [T, H, W, C], display values."""
    curve = result.camera.transfer
    light = config.blur.with_samples(SAMPLES)(curve.to_linear(result.latent), result.unknowns, result.camera)
    return np.asarray(curve.to_display(light))


def _scores_of_maps(clip: TrueClip, result: gvd.Result) -> Row:
    """Of what was found of the camera, and of the flow and the defocus where they are known."""
    row = {
        "tau": float(np.mean(result.duty_cycle)),
        "true tau": clip.duty_cycle,
        "tau error": result.camera.duty_cycle_error,
        "gamma": float(result.camera.transfer.gamma),
        "gamma error": result.camera.gamma_error,
    }
    if clip.known.any():
        row["EPE px"] = metrics.end_point_error(result.flow, np.nan_to_num(clip.flow), clip.known)
    textures = textured(clip.sharp)
    row["sigma RMSE px"] = metrics.defocus_error(result.defocus, clip.defocus, textures)
    in_focus = textures & (clip.defocus == 0)
    if in_focus.any():
        row["in focus px"] = metrics.defocus_error(result.defocus, clip.defocus, in_focus)
    return _finite(row)


def _finite(row: Row) -> Row:
    """Four digits of what is a number."""
    return {key: round(float(value), 4) for key, value in row.items() if np.isfinite(value)}


def tone_matched(frames: Any, sharp: HostArray) -> HostArray:
    """PSNR of every frame once a parabola has given each of its channels the tone of the truth, which may be another
    one: that of clips that were averaged under the response of a camera is."""
    matched = [
        [np.polyval(np.polyfit(x.ravel(), y.ravel(), 2), x) for x, y in zip(frame.T, truth.T, strict=True)]
        for frame, truth in zip(np.asarray(frames, np.float64), sharp, strict=True)
    ]
    return metrics.psnr(np.clip(np.transpose(matched, (0, 3, 2, 1)), 0, 1).astype(np.float32), sharp)


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
    kept = Results(results)
    for name, trial in TRIALS.items():
        if kept.wants(name, rows):
            kept.add(name, measure(name, trial, data, pictures))
    print(kept.table())


if __name__ == "__main__":
    run(main)
