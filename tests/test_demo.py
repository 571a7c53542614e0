"""End to end: the demo as a user runs it."""

import re
import subprocess
import sys

import pytest

from gvd_jax.video.read_write import read_video


def test_demo_restores_its_clip(tmp_path):
    # In a process of its own: without the type checks of the tests, and with the command's own compilation cache.
    command = [sys.executable, "-m", "gvd_jax", "demo", str(tmp_path / "demo")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    (blurry, blurry_ssim), (restored, restored_ssim) = (
        tuple(map(float, pair)) for pair in re.findall(r"PSNR +([\d.]+) dB  SSIM ([\d.]+)", run.stdout)
    )
    assert restored > blurry + 4.0 and restored_ssim > blurry_ssim + 0.1
    assert float(re.findall(r"error ([\d.]+) px", run.stdout)[0]) < 1.5
    found, true = map(float, re.findall(r"duty cycle ([\d.]+) \+- [\d.]+ found, ([\d.]+) true", run.stdout)[0])
    assert found == pytest.approx(true, abs=0.05)
    assert read_video(tmp_path / "demo" / "restored.mp4").frames.shape == (7, 192, 256, 3)
    for name in ("blurry.mp4", "before_after.png", "maps/legend.png", "maps/defocus_00000.npy"):
        assert (tmp_path / "demo" / name).stat().st_size > 1000
