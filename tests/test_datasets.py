"""Benchmarks as their authors pack them."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from gvd_jax.errors import InputError
from gvd_jax.video import codec
from gvd_jax.video.datasets import read_gopro, read_kitti_flow, read_sintel
from gvd_jax.video.flow_files import write_flow
from gvd_jax.video.read_write import write_video

RNG = np.random.default_rng(0)
SHAPE = (3, 6, 8)
FRAMES, OTHER = RNG.integers(0, 256, (2, *SHAPE, 3)).astype(np.float32) / 255
FLOW = RNG.standard_normal((2, *SHAPE[1:], 2)).astype(np.float32)
HIDDEN, INVALID = RNG.random((2, 2, *SHAPE[1:])) < 0.2
NAMES = tuple(f"frame_{k:04d}.png" for k in (1, 2, 3))


@pytest.fixture
def sintel(tmp_path) -> Path:
    write_video(tmp_path / "clean" / "alley_1", FRAMES, names=NAMES)
    (tmp_path / "flow" / "alley_1").mkdir(parents=True)
    for name, flow in zip(NAMES, FLOW, strict=False):
        write_flow(tmp_path / "flow" / "alley_1" / f"{Path(name).stem}.flo", flow)
    for folder, mask in (("occlusions", HIDDEN), ("invalid", INVALID)):
        (tmp_path / folder / "alley_1").mkdir(parents=True)
        for name, image in zip(NAMES, mask, strict=False):
            iio.imwrite(tmp_path / folder / "alley_1" / name, 255 * image.astype(np.uint8))
    return tmp_path


@pytest.mark.parametrize("part", [slice(None), slice(0, 2), slice(1, 3)])
def test_sintel(sintel, part):
    clip = read_sintel(sintel, "alley_1", frames=None if part == slice(None) else part)
    steps = slice(part.start, 2 if part.stop in (None, 3) else part.stop - 1)
    np.testing.assert_allclose(clip.frames, FRAMES[part], atol=1e-6)
    np.testing.assert_array_equal(clip.flow, FLOW[steps])
    np.testing.assert_array_equal(clip.known, ~(HIDDEN | INVALID)[steps])


@pytest.mark.parametrize("folder", ["blur", "blur_gamma"])
def test_gopro(tmp_path, folder):
    for name, frames in ((folder, FRAMES), ("sharp", OTHER)):
        write_video(tmp_path / name, frames, names=NAMES)
    blurry, sharp = read_gopro(tmp_path, folder)
    np.testing.assert_allclose(blurry, FRAMES, atol=1e-6)
    np.testing.assert_allclose(sharp, OTHER, atol=1e-6)


def test_kitti(tmp_path):
    known = RNG.random(SHAPE[1:]) < 0.7
    stored = np.round(FLOW[0] * 64 + 2**15)
    image = np.concatenate([stored, known[..., None]], -1)
    codec.write_png(tmp_path / "flow.png", image / 65535, 16)
    flow, found = read_kitti_flow(tmp_path / "flow.png")
    np.testing.assert_array_equal(found, known)
    np.testing.assert_allclose(flow, np.where(known[..., None], FLOW[0], 0), atol=0.51 / 64)


def broken(path, sintel):
    """What to read, and the words of the refusal."""
    write_video(path / "g" / "blur", FRAMES, names=NAMES)
    write_video(path / "g" / "sharp", OTHER[:2], names=NAMES[:2])
    iio.imwrite(path / "8bit.png", np.zeros((4, 4, 3), np.uint8))
    write_flow(sintel / "flow" / "alley_1" / "frame_0002.flo", FLOW[0, 1:])
    return {
        "names": (lambda: read_gopro(path / "g"), "differ in names or sizes"),
        "missing": (lambda: read_gopro(path), "does not exist"),
        "scene": (lambda: read_sintel(sintel, "alley_2"), "does not exist"),
        "size": (lambda: read_sintel(sintel, "alley_1"), "another size than its frames"),
        "depth": (lambda: read_kitti_flow(path / "8bit.png"), "16-bit PNG of three channels"),
        "none": (lambda: read_kitti_flow(path / "none.png"), "cannot read"),
    }


@pytest.mark.parametrize("case", ["names", "missing", "scene", "size", "depth", "none"])
def test_what_is_wrong_is_said_in_one_line(tmp_path, sintel, case):
    call, words = broken(tmp_path, sintel)[case]
    with pytest.raises(InputError, match=words) as refusal:
        call()
    assert "\n" not in str(refusal.value)
