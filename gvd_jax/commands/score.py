"""gvd-jax score"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from tyro.conf import Positional, arg

from gvd_jax.commands import options
from gvd_jax.errors import InputError


@dataclass(frozen=True)
class Score:
    """Compare a clip with the truth, frame by frame."""

    sharp: Annotated[Path, Positional, arg(metavar="SHARP")]
    """true clip: a video file, or a folder of PNG, JPEG or TIFF images"""
    result: Annotated[Path, Positional, arg(metavar="RESULT")]
    """clip to judge, of the same number and size of frames"""
    json: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """write the numbers; the PSNR of equal frames is null"""
    overwrite: options.Overwrite = False
    """write over a file that exists"""

    def run(self) -> None:
        """Check the output, then compute and print."""
        from gvd_jax import metrics
        from gvd_jax.scale.job import write_whole
        from gvd_jax.video.read_write import read_video

        if self.json is not None:
            _check_file(self.json, (self.sharp, self.result), self.overwrite)
        truth, result = _like(read_video(self.sharp).frames, read_video(self.result).frames)
        psnr, ssim = metrics.psnr(result, truth), metrics.ssim(result, truth)
        flicker = metrics.temporal_consistency(result, truth)
        print("frame   PSNR dB    SSIM")
        for name, p, s in [*zip(range(len(psnr)), psnr, ssim, strict=True), ("mean", psnr.mean(), ssim.mean())]:
            print(f"{name:>5}   {p:7.2f}   {s:.4f}")
        print(f"temporal consistency {flicker:.5f} (mean change of the error from frame to frame; 0 is best)")
        if self.json is not None:
            rows = [{"psnr": _finite(p), "ssim": float(s)} for p, s in zip(psnr, ssim, strict=True)]
            mean = {"psnr": _finite(psnr.mean()), "ssim": float(ssim.mean())}
            scores = {"frames": rows, "mean": mean, "temporal_consistency": flicker}
            write_whole(self.json, json.dumps(scores, indent=2) + "\n")


def _check_file(path: Path, inputs: tuple[Path, Path], overwrite: bool) -> None:
    """Raise `InputError` unless a file `path` can be written without harm to the inputs."""
    from gvd_jax.video.places import check_free, real

    check_free(path, overwrite)
    if real(path).is_dir():
        raise InputError(f"--json {path} is a folder; give the name of a file")
    for clip in inputs:
        if real(path).exists() and real(path).is_relative_to(real(clip)):
            raise InputError(f"--json {path} is a part of {clip}, which is not overwritten; choose another name")


def _like(truth: NDArray[Any], result: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both with three channels if one of them has; `InputError` if they differ in anything else."""
    if truth.shape[:3] != result.shape[:3]:
        sizes = [f"{len(frames)} frames of {frames.shape[2]}x{frames.shape[1]}" for frames in (truth, result)]
        raise InputError(f"SHARP holds {sizes[0]} but RESULT {sizes[1]}; give clips of equal length and size")
    shape = (*truth.shape[:3], max(truth.shape[3], result.shape[3]))
    return np.broadcast_to(truth, shape), np.broadcast_to(result, shape)


def _finite(value: float) -> float | None:
    """JSON knows no infinity."""
    return float(value) if math.isfinite(value) else None
