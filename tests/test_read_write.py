"""Clips survive a round trip, and every bad input is refused with one line that says what to do."""

import os
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from gvd_jax.errors import InputError
from gvd_jax.video.read_write import check_output, read_video, write_video


def smooth(frames=4, height=24, width=32, channels=3):
    """Waves that fill [0, 1], smooth enough for chroma of half the size."""
    t, y, x, c = np.ogrid[:frames, :height, :width, :channels]
    return (0.5 + 0.5 * np.sin(x / 9 + 0.3 * t + c) * np.cos(y / 7 - c)).astype(np.float32)


def integers(shape, dtype, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def save(path, image):
    """Images that our own writer does not write, by other libraries."""
    if path.suffix == ".tif":
        kind = "rgb" if image.ndim == 3 else "minisblack"
        tifffile.imwrite(path, image, photometric=kind, compression="zlib" if image.dtype == np.uint16 else None)
    else:
        iio.imwrite(path, image)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth, dtype", [(8, np.uint8), (16, np.uint16)])
def test_a_folder_of_png_keeps_every_bit(tmp_path, depth, dtype, channels):
    values = integers((3, 7, 9, channels), dtype)
    frames = (values / np.iinfo(dtype).max).astype(np.float32)
    write_video(tmp_path / "new" / "clip", frames, bit_depth=depth)
    clip = read_video(tmp_path / "new" / "clip")
    assert clip.names == ("00000.png", "00001.png", "00002.png") and clip.bit_depth == depth and clip.fps is None
    assert clip.frames.dtype == np.float32
    np.testing.assert_array_equal(np.round(clip.frames * np.iinfo(dtype).max).astype(dtype), values)
    assert os.listdir(tmp_path / "new") == ["clip"]  # no temporary folder is left


@pytest.mark.parametrize(
    "name, dtype, shape, channels",
    [
        ("a.png", np.uint8, (5, 6), 1),
        ("a.png", np.uint16, (5, 6), 1),
        ("a.png", np.uint8, (5, 6, 2), 1),
        ("a.png", np.uint8, (5, 6, 3), 3),
        ("a.png", np.uint8, (5, 6, 4), 3),
        ("a.tif", np.uint8, (5, 6), 1),
        ("a.tif", np.uint16, (5, 6), 1),
        ("a.tif", np.uint8, (5, 6, 3), 3),
        ("a.tif", np.uint16, (5, 6, 3), 3),
        ("a.tif", np.uint16, (5, 6, 4), 3),
    ],
)
def test_images_are_read_exactly_and_alpha_is_dropped(tmp_path, name, dtype, shape, channels):
    image = integers(shape, dtype)
    save(tmp_path / name, image)
    clip = read_video(tmp_path)
    expected = image.reshape(5, 6, -1)[..., :channels]
    assert clip.frames.shape == (1, 5, 6, channels) and clip.bit_depth == 8 * dtype().itemsize
    np.testing.assert_array_equal(clip.frames[0], expected / np.float32(np.iinfo(dtype).max))


def test_names_sort_by_number_and_other_files_are_ignored(tmp_path):
    for k in (10, 2, 1):
        iio.imwrite(tmp_path / f"f{k}.png", np.full((4, 5), k, np.uint8))
    iio.imwrite(tmp_path / "f11.JPG", np.full((4, 5), 128, np.uint8))
    for name in ("notes.txt", "._f1.png", "Thumbs.db"):
        (tmp_path / name).write_text("no image")
    clip = read_video(tmp_path)
    assert clip.names == ("f1.png", "f2.png", "f10.png", "f11.JPG")
    np.testing.assert_allclose(clip.frames[:, 0, 0, 0] * 255, [1, 2, 10, 128], atol=1e-4)
    part = read_video(tmp_path, slice(1, 3))
    assert part.names == ("f2.png", "f10.png")
    write_video(tmp_path / "out", clip.frames, names=clip.names)
    assert read_video(tmp_path / "out").names == ("f1.png", "f2.png", "f10.png", "f11.png")


def test_gray_among_colours_gets_three_channels_and_equal_stems_get_numbers(tmp_path):
    iio.imwrite(tmp_path / "a.png", integers((4, 5), np.uint8))
    iio.imwrite(tmp_path / "a.tif", integers((4, 5, 3), np.uint8))
    clip = read_video(tmp_path)
    assert clip.frames.shape == (2, 4, 5, 3) and np.ptp(clip.frames[0], axis=-1).max() == 0.0
    write_video(tmp_path / "out", clip.frames, names=clip.names)
    assert read_video(tmp_path / "out").names == ("00000.png", "00001.png")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("fps", [30.0, 30000 / 1001, 12.5])
def test_a_video_keeps_its_rate_its_length_and_its_colours(tmp_path, suffix, fps):
    frames = smooth(7, 96, 128)
    write_video(tmp_path / f"clip{suffix}", frames, fps=fps)
    clip = read_video(tmp_path / f"clip{suffix}")
    assert clip.frames.shape == frames.shape and clip.bit_depth == 8 and clip.names == ()
    assert clip.fps == pytest.approx(fps, rel=1e-6)
    assert -10 * np.log10(np.mean((clip.frames - frames) ** 2)) > 40.0  # chroma read half a pixel off: 37
    np.testing.assert_allclose((clip.frames - frames).mean((0, 1, 2)), 0.0, atol=0.7 / 255)
    np.testing.assert_array_equal(read_video(tmp_path / f"clip{suffix}", slice(2, 5)).frames, clip.frames[2:5])


@pytest.mark.parametrize("height, width, channels", [(25, 32, 3), (24, 31, 1)])
def test_odd_sizes_repeat_their_border_and_gray_stays_gray(tmp_path, height, width, channels):
    frames = smooth(3, height, width, channels)
    write_video(tmp_path / "odd.mp4", frames)
    clip = read_video(tmp_path / "odd.mp4")
    assert clip.frames.shape == (3, height + height % 2, width + width % 2, 3) and clip.fps == 30.0
    np.testing.assert_allclose(
        clip.frames[:, :height, :width], np.broadcast_to(frames, (3, height, width, 3)), atol=0.1
    )


def test_a_recording_held_upright_is_read_upright(tmp_path):
    path = tmp_path / "phone.mp4"
    frames = smooth(3)
    write_video(path, frames)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44  # of the track: 90 degrees clockwise
    one = 1 << 16
    data[matrix : matrix + 36] = np.array([0, one, 0, -one, 0, 0, 32 * one, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(data)
    assert read_video(path).frames.shape == (3, 32, 24, 3)
    np.testing.assert_allclose(read_video(path).frames, np.rot90(frames, -1, (1, 2)), atol=0.1)


def text_named_mp4(folder):
    (folder / "x.mp4").write_text("this is a text file\n" * 99)
    return folder / "x.mp4"


def text_file(folder):
    (folder / "x.txt").write_text("this is a text file\n" * 99)
    return folder / "x.txt"


def empty_folder(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "notes.txt").write_text("nothing here")
    return folder / "sub"


def mixed_sizes(folder):
    iio.imwrite(folder / "1.png", np.zeros((4, 5), np.uint8))
    iio.imwrite(folder / "2.png", np.zeros((4, 6), np.uint8))
    return folder


def broken_image(folder):
    iio.imwrite(folder / "1.png", integers((40, 50), np.uint8))
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:900])
    return folder


def single_image(folder):
    iio.imwrite(folder / "1.png", np.zeros((4, 5), np.uint8))
    return folder / "1.png"


def truncated_without_index(folder):
    write_video(folder / "x.mp4", smooth(12))
    (folder / "x.mp4").write_bytes((folder / "x.mp4").read_bytes()[:2000])
    return folder / "x.mp4"


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda folder: folder / "none.mp4", "does not exist"),
        (text_named_mp4, "cannot be read as a video"),
        (text_file, "cannot be read as a video"),
        (empty_folder, "holds no images"),
        (mixed_sizes, "1.png is 5x4 but 2.png is 6x4"),
        (broken_image, "cannot be read as an image"),
        (single_image, "is a single image"),
        (truncated_without_index, "has no index, as a recording"),
    ],
)
def test_bad_inputs_are_refused_in_one_line(tmp_path, make, words):
    with pytest.raises(InputError, match=words) as refusal:
        read_video(make(tmp_path))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("asked", [slice(3, 9), slice(4, 5), slice(2, 2), slice(-2, None), slice(0, 3, 2)])
def test_frames_that_do_not_exist_are_refused(tmp_path, asked):
    write_video(tmp_path / "clip", smooth())
    write_video(tmp_path / "clip.mp4", smooth())
    for path in (tmp_path / "clip", tmp_path / "clip.mp4"):
        with pytest.raises(InputError, match="frames"):
            read_video(path, asked)


def test_of_a_truncated_video_the_frames_before_the_damage_can_be_read(tmp_path):
    frames = integers((24, 32, 48, 3), np.uint8)
    path = tmp_path / "cut.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(30), options={"crf": "12"})
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    whole = read_video(path).frames
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"damaged after (\d+) frames; .* --frames 0:\1") as refusal:
        read_video(path)
    count = int(str(refusal.value).split("0:")[1])
    assert 8 <= count < 24
    np.testing.assert_array_equal(read_video(path, slice(0, count)).frames, whole[:count])
    with pytest.raises(InputError, match="damaged"):
        read_video(path, slice(0, count + 1))


def test_an_output_that_exists_is_kept_unless_overwritten(tmp_path):
    for path in (tmp_path / "clip", tmp_path / "clip.mp4"):
        write_video(path, smooth(4))
        with pytest.raises(InputError, match="exists; choose another name or give --overwrite"):
            write_video(path, smooth(2))
        assert len(read_video(path).frames) == 4
        write_video(path, smooth(2), overwrite=True)
        assert len(read_video(path).frames) == 2


def test_a_folder_of_other_things_is_never_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds more than PNG files"):
        write_video(tmp_path, smooth(), overwrite=True)
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize(
    "name, words",
    [("out.gif", "ends in .mp4"), ("file/out.mp4", "is no folder"), ("file", "exists"), ("a/b/c.mp4", None)],
)
def test_outputs_are_checked_without_touching_the_disk(tmp_path, name, words):
    (tmp_path / "file").write_text("in the way")
    if words is None:
        check_output(tmp_path / name, overwrite=False)
    else:
        with pytest.raises(InputError, match=words):
            check_output(tmp_path / name, overwrite=False)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="may write to"):
        check_output(tmp_path / "out.mp4", overwrite=False)


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    write_video(tmp_path / "clip", smooth(2))

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"cannot write .*: No space left on device"):
        write_video(tmp_path / "clip", smooth(4), overwrite=True)
    assert os.listdir(tmp_path) == ["clip"] and len(read_video(tmp_path / "clip").frames) == 2


@pytest.mark.parametrize("shape, depth", [((3, 4, 5), 8), ((2, 4, 5, 2), 8), ((2, 4, 5, 3), 12)])
def test_frames_of_another_form_are_refused(tmp_path, shape, depth):
    with pytest.raises(InputError, match="cannot write frames"):
        write_video(tmp_path / "out", np.zeros(shape, np.float32), bit_depth=depth)
