"""gvd-jax deblur"""

import dataclasses
import time
from typing import Annotated, Any

import numpy as np
from tyro.conf import arg

from gvd_jax.commands import options


@dataclasses.dataclass(frozen=True)
class Deblur:
    """Remove motion and defocus blur from a clip."""

    input: options.In
    """blurry clip: a video file, or a folder of PNG, JPEG or TIFF images"""
    output: options.Out
    """restored clip: a .mp4, .m4v, .mov or .mkv file, or a folder for PNG images"""
    preset: options.Preset = "default"
    """settings: the best pictures, those for noisy footage, quick ones, the paper's, or the 2015 method's"""
    duty_cycle: Annotated[str | None, arg(metavar="TAU|auto", help_behavior_hint="(default: auto)")] = None
    """exposure / (2 * frame interval), at most 0.5; found from the clip if auto"""
    shutter_angle: Annotated[str | None, arg(metavar="DEG", help_behavior_hint="")] = None
    """the same as an angle: 360 is a shutter that never closes"""
    defocus: Annotated[bool, arg(help_behavior_hint="")] = True
    """leave defocus blur as it is"""
    transfer: Annotated[
        str | None, arg(metavar="srgb|gamma22|none|auto", help_behavior_hint="(default: the preset's)")
    ] = None
    """camera curve that is undone first, for blur adds up in linear light; chosen by the fit if auto"""
    report: options.Folder = None
    """write a page that shows the run as it goes, and all its results in the end"""
    maps: options.Folder = None
    """write flow (.flo, .png) and defocus (.npy, .png)"""
    frames: options.Frames = None
    """take frames A to B - 1 only"""
    crop: Annotated[str | None, arg(metavar="Y,X,H,W", help_behavior_hint="")] = None
    """take H x W pixels from row Y and column X only"""
    overwrite: options.Overwrite = False
    """write over outputs that exist"""

    def run(self) -> None:
        """Check every option and output, then compute."""
        duty_cycle = options.parse_duty_cycle(self.duty_cycle, self.shutter_angle)
        frames, window = options.parse_frames(self.frames), options.parse_crop(self.crop)

        from gvd_jax.commands.compile_cache import use_compile_cache
        from gvd_jax.commands.maps import write_maps
        from gvd_jax.commands.outputs import check_outputs
        from gvd_jax.commands.progress_bar import progress_bar
        from gvd_jax.method import deblur as method_deblur
        from gvd_jax.video.read_write import read_video, write_video
        from gvd_jax.view.report import Report

        folders = [folder for folder in (self.report, self.maps) if folder is not None]
        check_outputs([self.input], [self.output], folders, self.overwrite)
        config = self._config()
        clip = read_video(self.input, frames)
        blurry = options.crop(clip.frames, window)
        report = None if self.report is None else Report(self.report)

        use_compile_cache()
        start = time.monotonic()
        with progress_bar() as bar:
            hooks = [bar] if report is None else [bar, report]
            result = method_deblur.deblur(blurry, duty_cycle, config, hooks=hooks)
        latent, found = np.asarray(result.latent), f"{np.mean(result.duty_cycle):.3f}"
        write_video(self.output, latent, clip.fps, self.overwrite, clip.bit_depth, clip.names)
        if self.maps is not None:
            write_maps(self.maps, result.flow, result.defocus)
        if report is not None:
            settings = {field.name: str(getattr(self, field.name)) for field in dataclasses.fields(self)}
            report.finish(blurry, latent, result.flow, result.defocus, settings | {"duty_cycle": found})
        size = f"{len(latent)} frames of {latent.shape[2]}x{latent.shape[1]}"
        print(f"{self.output}: {size}, duty cycle {found}, {time.monotonic() - start:.0f} s")

    def _config(self) -> Any:
        from gvd_jax.method.config import Config

        config = getattr(Config, self.preset)()
        config = config if self.transfer is None else config.with_transfer(self.transfer)
        return config if self.defocus else config.without_defocus()
