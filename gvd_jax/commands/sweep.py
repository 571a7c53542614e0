"""gvd-jax sweep"""

import itertools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tyro.conf import Positional, UseAppendAction, arg

from gvd_jax.commands import options
from gvd_jax.errors import InputError

Setting = dict[str, float]


@dataclass(frozen=True)
class Sweep:
    """Restore a clip under every combination of some values, side by side."""

    input: options.In
    """blurry clip: a video file, or a folder of PNG, JPEG or TIFF images"""
    output: Annotated[Path, Positional, arg(metavar="[OUT]")] = Path("gvd-jax-sweep")
    """folder for sheet.png, sweep.json and a video of every setting"""
    weights: Annotated[
        UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="NAME X [X ...]", help_behavior_hint="")
    ] = ()
    """weights of a term of the energy, as --weights.data 300 700 1500 or --weights.latent-tv 0.5 1"""
    duty_cycle: Annotated[tuple[float, ...], arg(metavar="TAU", help_behavior_hint="(default: auto)")] = ()
    """exposures / (2 * frame interval), at most 0.5; found from the clip if none is given"""
    preset: options.Preset = "default"
    sharp: Annotated[Path | None, arg(metavar="CLIP", help_behavior_hint="")] = None
    """the true clip, if known: settings are scored by it"""
    batch_size: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: 1 on a CPU, else all)")] = None
    """settings that run at the same time"""
    frames: options.Frames = None
    """take frames A to B - 1 only"""
    crop: Annotated[str | None, arg(metavar="Y,X,H,W", help_behavior_hint="")] = None
    """take H x W pixels from row Y and column X only"""
    overwrite: options.Overwrite = False
    """write over outputs that exist"""

    def run(self) -> None:
        """Check every option and output, then compute."""
        settings = self._settings()
        frames, window = options.parse_frames(self.frames), options.parse_crop(self.crop)

        from gvd_jax.commands.programs import keep_programs
        from gvd_jax.commands.progress_bar import progress_bar
        from gvd_jax.method.sweep import sweep
        from gvd_jax.scale.outputs import check_outputs

        check_outputs([self.input], [], [self.output], self.overwrite)
        clip = _read(self.input, frames, window)
        blurry, sharp = clip.frames, None if self.sharp is None else _read(self.sharp, frames, window).frames
        if sharp is not None and sharp.shape != blurry.shape:
            raise InputError(f"{self.sharp} holds {sharp.shape[:3]}, not {blurry.shape[:3]} frames, rows and columns")
        taus = [setting["duty_cycle"] for setting in settings] if self.duty_cycle else "auto"

        keep_programs()
        with progress_bar() as hooks:
            found = sweep(blurry, taus, [self._config(s) for s in settings], self.batch_size, hooks=hooks)
        self._write(settings, np.asarray(found.latent), blurry, sharp, clip.fps)

    def _settings(self) -> list[Setting]:
        """Every combination of the values that are given."""
        lists = dict(_weight(*words) for words in self.weights)
        for tau in self.duty_cycle:
            options.parse_duty_cycle(str(tau), None)
        if self.duty_cycle:
            lists["duty_cycle"] = self.duty_cycle
        if not lists:
            raise InputError("nothing to sweep; give values, for instance --weights.data 100 250 500")
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"--batch-size {self.batch_size} is not a number of settings; give 1 or more")
        return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]

    def _config(self, setting: Setting) -> Any:
        """The preset under the weights of a setting."""
        from gvd_jax.method.config import Config

        weights = {name: value for name, value in setting.items() if name != "duty_cycle"}
        return getattr(Config, self.preset)().with_weights(**weights)

    def _write(self, settings: list[Setting], latent: Any, blurry: Any, sharp: Any, fps: float | None) -> None:
        """A video of every setting, the table and the sheet."""
        from gvd_jax.video.read_write import write_video
        from gvd_jax.view.figures import contact_sheet, save

        self.output.mkdir(parents=True, exist_ok=True)
        middle = len(blurry) // 2
        rows, pictures = [], {"blurry": blurry[middle]}
        for setting, frames in zip(settings, latent, strict=True):
            name = "_".join(f"{key}={value:g}" for key, value in setting.items())
            write_video(self.output / f"{name}.mp4", frames, fps, self.overwrite)
            scores = {} if sharp is None else _scores(frames, sharp)
            rows.append(setting | scores)
            label = ", ".join([name, *(f"{key} {value:.3f}" for key, value in scores.items())])
            pictures[label] = frames[middle]
            print(label)
        (self.output / "sweep.json").write_text(json.dumps({"preset": self.preset, "settings": rows}, indent=1) + "\n")
        if sharp is not None:
            pictures["truth"] = sharp[middle]
        save(contact_sheet(pictures), self.output / "sheet.png")
        print(f"see {self.output / 'sheet.png'}")


def _weight(option: str = "", *words: str) -> tuple[str, tuple[float, ...]]:
    """The name of a term and the values of its weight, as they follow --weights."""
    values = tuple(map(options.number, words))
    if not values or not all(math.isfinite(x) and x >= 0 for x in values):
        given = " ".join((f"--weights.{option}", *words))
        raise InputError(f"{given}: give one weight or more, numbers that are not below 0")
    return option.replace("-", "_"), values


def _read(path: Path, frames: slice | None, window: tuple[slice, slice] | None) -> Any:
    from gvd_jax.video.read_write import read_source
    from gvd_jax.video.source import cropped, open_source

    source = open_source(path, frames)
    return read_source(source if window is None else cropped(source, *window))


def _scores(latent: Any, sharp: Any) -> dict[str, float]:
    from gvd_jax import metrics

    return {"PSNR": float(metrics.psnr(latent, sharp).mean()), "SSIM": float(metrics.ssim(latent, sharp).mean())}
