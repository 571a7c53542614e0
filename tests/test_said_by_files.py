"""What files say beside their pixels: which side is up, colours, rows of two instants, gaps, quantisers, chapters."""

import struct
import zlib
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from gvd_jax.errors import InputError
from gvd_jax.scale.clip import deblur_video
from gvd_jax.video.combs import COMBED, combs
from gvd_jax.video.compression import ASKED, codec_error
from gvd_jax.video.orientation import TAGGED, upright
from gvd_jax.video.profiles import chunk, colour_chunks, states_light, tag_chunk
from gvd_jax.video.read_write import read_video, write_video
from gvd_jax.video.source import open_source
from tests.clips import copy, panned

FRAMES = panned("chelsea", 4)
BYTES = (255 * FRAMES[0]).round().astype(np.uint8)
STORED = {2: np.s_[:, ::-1], 3: np.s_[::-1, ::-1], 4: np.s_[::-1]}  # how an upright picture lies in a file


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
@pytest.mark.parametrize("tag", [1, *TAGGED])
def test_images_are_shown_upright(tmp_path, tag, suffix):
    turned = BYTES.swapaxes(0, 1)
    stored = {5: turned, 6: turned[::-1], 7: turned[::-1, ::-1], 8: turned[:, ::-1]}.get(tag)
    stored = np.ascontiguousarray(BYTES[STORED.get(tag, np.s_[:])] if stored is None else stored)
    for k in range(2):
        exif = Image.Exif()
        exif[274] = tag
        how = {"tiffinfo": {274: tag}} if suffix == "tif" else {"exif": exif}
        Image.fromarray(stored).save(tmp_path / f"{k}.{suffix}", **how, **({"quality": 98} if suffix == "jpg" else {}))
    shown = read_video(tmp_path).frames
    assert shown.shape[1:] == FRAMES.shape[1:]
    assert np.abs(shown[0] - FRAMES[0]).mean() < (0.03 if suffix == "jpg" else 0.003)


def test_the_alpha_channel_turns_with_the_picture(tmp_path):
    alpha = np.zeros((*BYTES.shape[:2], 1), np.uint8)
    alpha[:10, :20] = 255
    stored = np.ascontiguousarray(np.concatenate([BYTES, alpha], -1).swapaxes(0, 1)[::-1])
    exif = Image.Exif()
    exif[274] = 6
    for k in range(2):
        Image.fromarray(stored).save(tmp_path / f"{k}.png", exif=exif)
    copy(open_source(tmp_path), tmp_path / "out", (0, 2))
    written = np.asarray(Image.open(tmp_path / "out" / "0.png"))
    np.testing.assert_array_equal(written[..., :3], BYTES)


@pytest.mark.parametrize("matrix", [(1, 0, 0, 1), *TAGGED.values()])
def test_a_display_matrix_shows_every_pixel_where_it_says(matrix):
    a, b, c, d = matrix
    image = np.arange(12).reshape(3, 4, 1)
    shown = upright(image, matrix)
    for y, x in np.ndindex(3, 4):
        # What is turned is shown from the other border on: -0 is the last row or column.
        column, row = a * x + c * y - (a + c < 0), b * x + d * y - (b + d < 0)
        assert shown[row, column] == image[y, x]


def test_rows_of_two_instants_are_refused(tmp_path):
    whole = panned("chelsea", 4, 96, 128)
    woven = whole.copy()
    woven[:-1, 1::2] = whole[1:, 1::2]
    assert combs(woven[0]) > COMBED > 1.5 * combs(whole[0])
    write_video(tmp_path / "in", woven)
    with pytest.raises(InputError, match=r"rows of .* are of two instants.*bwdif"):
        deblur_video(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    "numbers, missing, gaps",
    [
        ((97, 98, 100, 103), "images 99, 101, 102 are missing", (3,)),
        ((8, 9, 10, 11), None, ()),
        ((2, 4, 6, 8), None, ()),
        ((2, 4, 8, 10), "images 6 are missing", ()),
        ((2, 4, 10, 12), "images 6, 8 are missing", (2,)),
    ],
)
def test_gaps_in_numbers_are_named(tmp_path, numbers, missing, gaps):
    for number in numbers:
        Image.fromarray(BYTES).save(tmp_path / f"shot_{number}.png")
    source = open_source(tmp_path)
    assert source.gaps == gaps
    assert (not source.notes) if missing is None else source.notes[0].startswith(missing)


def test_what_images_say_of_their_colours_is_carried_over(tmp_path):
    chunks = chunk(b"gAMA", (50000).to_bytes(4, "big")) + chunk(b"cHRM", bytes(range(32)))
    for k in range(2):
        Image.fromarray(BYTES).save(tmp_path / f"{k}.png")
        content = (tmp_path / f"{k}.png").read_bytes()
        (tmp_path / f"{k}.png").write_bytes(content[:33] + chunks + content[33:])
    copy(open_source(tmp_path), tmp_path / "out", (0, 2))
    assert colour_chunks(tmp_path / "out" / "1.png") == chunks
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "1.png")), BYTES)
    assert tag_chunk(9, 16)[4:12] == b"cICP" + bytes((9, 16, 0, 1))


def profile(kind, content):
    """A profile of one tag, as a chunk of PNG."""
    body = bytes(128) + struct.pack(">I4sII", 1, kind, 144, len(content)) + content
    return chunk(b"iCCP", b"name\0\0" + zlib.compress(body))


LINEAR, HALF = (chunk(b"gAMA", value.to_bytes(4, "big")) for value in (100_000, 50_000))
LIGHT = profile(b"rTRC", b"curv" + bytes(8))


@pytest.mark.parametrize(
    "chunks, light",
    [
        (LIGHT, True),
        (profile(b"rTRC", b"curv" + struct.pack(">IIH", 0, 1, 0x0100)), True),
        (profile(b"kTRC", b"curv" + struct.pack(">IIH", 0, 1, 0x0233)), False),
        (profile(b"kTRC", b"para" + struct.pack(">IHHi", 0, 0, 0, 0x10000)), True),
        (profile(b"kTRC", b"para" + struct.pack(">IHHi", 0, 0, 0, 0x1CCCD)), False),
        (profile(b"rTRC", b"para" + struct.pack(">IHH5i", 0, 3, 0, *[0x10000] * 5)), False),
        (profile(b"rTRC", b"curv" + struct.pack(">II3H", 0, 3, 0, 9, 99)), False),
        (profile(b"desc", b"curv" + bytes(8)), False),
        (chunk(b"iCCP", b"name\0\0broken") + LINEAR, False),
        (LIGHT + HALF, True),
        (tag_chunk(9, 8) + HALF, True),
        (tag_chunk(9, 16) + LINEAR, False),
        (LINEAR, True),
        (HALF, False),
        (LINEAR + chunk(b"sRGB", b"\0"), False),
        (b"", False),
    ],
)
def test_whether_an_image_says_that_it_holds_light(tmp_path, chunks, light):
    Image.fromarray(BYTES).save(tmp_path / "0.png")
    content = (tmp_path / "0.png").read_bytes()
    (tmp_path / "0.png").write_bytes(content[:33] + chunks + content[33:])
    assert states_light(tmp_path / "0.png") == light


def test_a_jpeg_that_says_so(tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "0.jpg", icc_profile=zlib.decompress(LIGHT[14:-4]))
    assert states_light(tmp_path / "0.jpg") and open_source(tmp_path).light


def encode(path, curve, options, encoder="libx264"):
    """The frames by FFmpeg itself."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=24)
        stream.height, stream.width, stream.pix_fmt = *FRAMES.shape[1:3], "yuv420p"
        stream.codec_context.color_trc, stream.options = curve, options
        for frame in FRAMES:
            container.mux(stream.encode(av.VideoFrame.from_ndarray((255 * frame).round().astype(np.uint8))))
        container.mux(stream.encode())


@pytest.mark.parametrize("curve, light", [(8, True), (1, False)])
def test_whether_a_video_says_that_it_holds_light(tmp_path, curve, light):
    encode(tmp_path / "in.mp4", curve, {})
    assert open_source(tmp_path / "in.mp4").light == light


@pytest.mark.parametrize("quantiser, step", [(18, 5.0), (42, 80.0)])
def test_the_quantiser_of_a_codec_is_heard(tmp_path, quantiser, step):
    path = tmp_path / "in.mp4"
    encode(path, 1, {"qp": str(quantiser), "x264-params": "bframes=0:ipratio=1:keyint=1"})
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.options = dict(ASKED)
        errors = [codec_error(frame) for frame in container.decode(video=0)]
    np.testing.assert_allclose(errors, 0.05 / 255 * step, rtol=0.02)
    np.testing.assert_allclose(open_source(path).errors, errors)


@pytest.mark.parametrize("encoder, error", [("libx265", np.nan), ("ffv1", 0.0)])
def test_whether_a_codec_that_says_nothing_loses_anything(tmp_path, encoder, error):
    encode(tmp_path / "in.mkv", 1, {}, encoder)
    np.testing.assert_array_equal(open_source(tmp_path / "in.mkv").errors, error)


def test_the_tables_of_jpeg_are_heard(tmp_path):
    """Of images, whatever their name, and of a film of them; of the quality from 0 to 100 the mean of the table."""
    image, errors = Image.fromarray((255 * FRAMES[0]).round().astype(np.uint8)), {}
    for name, options in {
        "0.jpg": {"quality": 92},
        "1.png": {"quality": 30, "format": "JPEG"},
        "2.png": {"format": "PNG"},
    }.items():
        image.save(tmp_path / name, **options)
    errors = np.array(open_source(tmp_path).errors)
    np.testing.assert_allclose(255 * errors, [0.57, 1.86, 0], atol=0.02)
    film = tmp_path / "film.avi"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mjpeg", rate=24)
        stream.height, stream.width, stream.pix_fmt = *FRAMES.shape[1:3], "yuvj420p"
        for frame in FRAMES:
            container.mux(stream.encode(av.VideoFrame.from_ndarray((255 * frame).round().astype(np.uint8))))
        container.mux(stream.encode())
    errors = open_source(film).errors
    assert len(errors) == len(FRAMES) and len(set(errors)) == 1 and 0.3 / 255 < errors[0] < 3 / 255


def test_black_and_white_dots_are_no_combs():
    image = Image.fromarray((255 * FRAMES[0]).round().astype(np.uint8)).resize((128, 96)).convert("1")
    assert combs(np.asarray(image, np.float32)[..., None]) == 0


def test_chapters_and_timecode_stay(tmp_path):
    plain, source, target = (tmp_path / f"{name}.mov" for name in ("plain", "in", "out"))
    write_video(plain, FRAMES)
    titles = ("start", "end")
    with av.open(str(plain)) as read, av.open(str(source), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0], opaque=True)
        stream.metadata["timecode"] = "01:02:03:04"
        unit = Fraction(1, 1000)
        write.set_chapters(
            [
                {"id": k, "start": 60 * k, "end": 60 * k + 60, "time_base": unit, "metadata": {"title": title}}
                for k, title in enumerate(titles)
            ]
        )
        for packet in read.demux(video=0):
            if packet.size:
                packet.stream = stream
                write.mux(packet)
    copy(open_source(source), target, (0, 4))
    with av.open(str(target)) as container:
        assert tuple(chapter["metadata"]["title"] for chapter in container.chapters()) == titles
        assert container.streams.video[0].metadata["timecode"] == "01:02:03:04"
