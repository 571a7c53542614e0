"""gvd-jax synthesize"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from gvd_jax.commands import options
from gvd_jax.errors import InputError


@dataclass(frozen=True)
class Synthesize:
    """Average high-speed footage, a pixel of motion apart at most, into a blurry clip."""

    input: options.In
    """sharp clip: a video file, or a folder of PNG, JPEG or TIFF images"""
    output: options.Out
    """blurry clip: a .mp4, .m4v, .mov or .mkv file, or a folder for PNG images"""
    frames_per_exposure: Annotated[int, arg(metavar="K")]
    """frames to average, an odd number: the one in the middle is the truth"""
    stride: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: K)")] = None
    """frames from one exposure to the next; the duty cycle is K / 2N, 0.5 if the shutter never closes; a bit less with
    --interpolate"""
    gaussian: Annotated[float, arg(metavar="SIGMA")] = 0.0
    """standard deviation of a defocus blur, pixels"""
    transfer: Literal["none", "srgb", "gamma22"] = "none"
    """camera curve that is undone before averaging, for blur adds up in linear light"""
    interpolate: Annotated[bool, arg(help_behavior_hint="")] = False
    """make up frames in between where things move more than a pixel: better than gaps, worse than real frames"""
    sharp: Annotated[Path | None, arg(metavar="OUT", help_behavior_hint="")] = None
    """write the truth, a clip like the output"""
    frames: options.Frames = None
    """take frames A to B - 1 only"""
    overwrite: options.Overwrite = False
    """write over outputs that exist"""

    def run(self) -> None:
        """Check every option and output, then compute."""
        frames = options.parse_frames(self.frames)
        if not 0 <= self.gaussian < 100:
            raise InputError(f"--gaussian {self.gaussian} is outside [0, 100) pixels; 0 is in focus")

        from gvd_jax.scale.outputs import check_outputs
        from gvd_jax.video.high_speed import frames_missing
        from gvd_jax.video.read_write import read_video, write_video
        from gvd_jax.video.synthesize import average_frames, exposure_starts

        outputs = [self.output] if self.sharp is None else [self.output, self.sharp]
        check_outputs([self.input], outputs, [], self.overwrite)
        clip = read_video(self.input, frames)
        k = self.frames_per_exposure
        stride = k if self.stride is None else self.stride
        exposure_starts(len(clip.frames), k, stride)  # complains before the motion is measured, which takes a while
        between = frames_missing(clip.frames, self.interpolate) if k > 1 else 0
        if between:
            print(f"{between} frames are made up between each and the next: a guess at the blur", file=sys.stderr)
        blurry, sharp, tau = average_frames(clip.frames, k, stride, self.gaussian, self.transfer, between)
        fps = None if clip.fps is None else clip.fps / stride
        names = clip.names[k // 2 :: stride][: len(blurry)]
        for path, clip_frames in zip(outputs, (blurry, sharp), strict=False):
            write_video(path, clip_frames, fps, self.overwrite, clip.bit_depth, names)
        print(f"{self.output}: {len(blurry)} frames, duty cycle {tau:.4g}")
