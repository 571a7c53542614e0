"""Clips that cameras do not write: odd, damaged, mislabelled, or no clips at all."""

import io
import struct
import zipfile

import av
import numpy as np

from tests.clips import MILLISECOND, add_tone, record
from tests.hard_images import GRAY, RGB, SIZE, encoded, lying_jpeg, png

STAMPS = tuple(range(0, 240, 40))
QUICK = {"preset": "ultrafast"}
FRAMES_OF_AVI = {"unit": 40 * MILLISECOND, "stamps": range(6)}
RECORDINGS = {
    "h264.mp4": {"sound": "aac", "options": QUICK},
    "h264.mkv": {"options": QUICK},
    "vp8.webm": {"encoder": "libvpx", "options": {"cpu-used": "8", "deadline": "realtime"}},
    "mpeg4.avi": FRAMES_OF_AVI,
    "ffv1.mkv": {"encoder": "ffv1", "kind": "yuv420p10le"},
    "prores.mov": {"encoder": "prores_ks", "kind": "yuv422p10le"},
    "motion.gif": {"unit": 10 * MILLISECOND, "stamps": range(0, 24, 4), "kind": "rgb8"},
    "h264.ts": {"options": QUICK, "unit": MILLISECOND / 90, "stamps": [90 * stamp for stamp in STAMPS]},
    "mjpeg.mov": {"encoder": "mjpeg", "kind": "yuvj420p"},
}


def make(path, **settings):
    """A short clip of a few pixels."""
    return record(path, **{"stamps": STAMPS, "size": SIZE, **settings})


def lossless(path, kind="bgr0", frames=3, size=SIZE):
    return make(path, encoder="ffv1", kind=kind, stamps=STAMPS[:frames], size=size)


def flipped(data, rng, count):
    """With some bits turned."""
    values = np.frombuffer(data, np.uint8).copy()
    values[rng.integers(0, len(values), count)] ^= (1 << rng.integers(0, 8, count)).astype(np.uint8)
    return values.tobytes()


def without(data, rng, longest):
    start, length = rng.integers(len(data)), rng.integers(1, longest)
    return data[:start] + data[start + length :]


def wiped(data, start, length):
    return data[:start] + bytes(int(length)) + data[start + length :]


DAMAGES = {
    "truncated": lambda data, rng: data[: rng.integers(1, len(data))],
    "1 bit": lambda data, rng: flipped(data, rng, 1),
    "10 bits": lambda data, rng: flipped(data, rng, 10),
    "1000 bits": lambda data, rng: flipped(data, rng, 1000),
    "no header": lambda data, rng: wiped(data, 0, rng.integers(4, 200)),
    "hole": lambda data, rng: wiped(data, rng.integers(len(data)), 50),
    "piece missing": lambda data, rng: without(data, rng, 99),
    "twice": lambda data, rng: data + data,
    "noise after": lambda data, rng: data + rng.bytes(500),
}

NUMBERS = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 16384, 25)
ATOMS = (
    b"mvhd",
    b"tkhd",
    b"mdhd",
    b"elst",
    b"hdlr",
    b"stsd",
    b"avc1",
    b"avcC",
    b"stts",
    b"stss",
    b"stsc",
    b"stsz",
    b"stco",
)


def absurd_atom(data, rng):
    """A recording in .mp4 or .mov in whose index one number is absurd: rates, times, sizes, places."""
    name = ATOMS[rng.integers(len(ATOMS))]
    place = data.find(name)
    if place < 0:
        return data
    size = struct.unpack(">I", data[place - 4 : place])[0]
    word = place + 4 + 4 * rng.integers(max(1, (size - 8) // 4))
    return data[:word] + struct.pack(">I", NUMBERS[rng.integers(len(NUMBERS))]) + data[word + 4 :]


def joined(path, *settings):
    """Clips one after another in a stream of MPEG, whose kind changes where they meet."""
    pieces = [make(path.with_name(f"piece{k}.ts"), options=QUICK, **own) for k, own in enumerate(settings)]
    path.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    for piece in pieces:
        piece.unlink()
    return path


def motion_jpeg(path, *images):
    path.write_bytes(b"".join(encoded(image, "jpeg") for image in images))
    return path


def sound_only(path):
    with av.open(str(path), "w") as container:
        add_tone(container, container.add_stream("aac" if path.suffix == ".mp4" else "mp2", 48000, layout="mono"), 0.5)
    return path


def same(value, kind="gray"):
    """Frames that are all alike."""

    def write(path):
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", 25)
            stream.height, stream.width, stream.pix_fmt = *SIZE, kind
            for _ in range(3):
                frame = av.VideoFrame.from_ndarray(np.full(SIZE, value, np.uint8), format="gray").reformat(format=kind)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


def held(data):
    """What writes these bytes."""

    def write(path):
        path.write_bytes(data)
        return path

    return write


def archive():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("clip.mp4", bytes(999))
    return packed.getvalue()


def patched(name, *patches, **settings):
    """A recording in which the bytes after a mark are others."""

    def write(path):
        data = bytearray(make(path, **settings).read_bytes())
        for mark, offset, new in patches:
            place = data.index(mark) + offset
            data[place : place + len(new)] = new
        path.write_bytes(data)
        return path

    return write


def word(value):
    return struct.pack("<I", value)


def rated(scale, rate):
    return patched("", (b"strh", 28, word(scale) + word(rate)), **FRAMES_OF_AVI)


# By file name: how it is made, whether it can be restored (None if either is right), and how many frames it then has.
FILES = {
    "one frame.mkv": (lambda p: lossless(p, frames=1), False, 0),
    "two frames.mkv": (lambda p: lossless(p, frames=2), True, 2),
    "1x1.mkv": (lambda p: lossless(p, size=(1, 1)), True, 3),
    "2x2.mkv": (lambda p: lossless(p, size=(2, 2)), True, 3),
    "1x9.mkv": (lambda p: lossless(p, size=(1, 9)), True, 3),
    "9x1.avi": (lambda p: make(p, encoder="rawvideo", kind="bgr24", size=(9, 1), **FRAMES_OF_AVI), True, 6),
    "1x999.mkv": (lambda p: lossless(p, size=(1, 999)), True, 3),
    "odd.mkv": (lambda p: lossless(p, "yuv420p", size=(15, 23)), True, 3),
    "odd deep.mkv": (lambda p: lossless(p, "yuv420p10le", size=(1, 3)), None, 3),
    "twelve bits.mkv": (lambda p: lossless(p, "yuv444p12le"), True, 3),
    "sixteen bits.mkv": (lambda p: lossless(p, "gray16le"), True, 3),
    "gray ten bits.mkv": (lambda p: lossless(p, "gray10le"), True, 3),
    "alpha.mkv": (lambda p: lossless(p, "yuva420p"), True, 3),
    "alpha deep.mkv": (lambda p: lossless(p, "yuva444p10le"), True, 3),
    "rgb alpha.mkv": (lambda p: lossless(p, "bgra"), True, 3),
    "prores alpha.mov": (lambda p: make(p, encoder="prores_ks", kind="yuva444p10le"), True, 6),
    "png.mov": (lambda p: make(p, encoder="png", kind="rgba64be"), True, 6),
    "palette.mov": (lambda p: make(p, encoder="qtrle", kind="rgb24"), True, 6),
    "raw.avi": (lambda p: make(p, encoder="rawvideo", kind="bgr24", **FRAMES_OF_AVI), True, 6),
    "black.mkv": (same(0), True, 3),
    "white.mkv": (same(255), True, 3),
    "gray.mkv": (same(99, "yuv420p"), True, 3),
    "mkv named.mp4": (lambda p: lossless(p.with_suffix(".mkv")).rename(p), True, 3),
    "mp4 named.mkv": (lambda p: make(p.with_suffix(".mp4"), options=QUICK).rename(p), True, 6),
    "mp4 named.txt": (lambda p: make(p.with_suffix(".mp4"), options=QUICK).rename(p), True, 6),
    "no suffix": (lambda p: make(p.with_suffix(".mp4"), options=QUICK).rename(p), True, 6),
    "empty.mp4": (held(b""), False, 0),
    "zeros.mp4": (held(bytes(9999)), False, 0),
    "text.mp4": (held(b"Hello, world\n" * 99), False, 0),
    "html.mp4": (held(b"<!DOCTYPE html><html><body>not found</body></html>\n" * 9), False, 0),
    "zip.mp4": (held(archive()), False, 0),
    "png.mp4": (held(png(RGB)), False, 0),
    "jpeg.mp4": (held(encoded(RGB, "jpeg")), False, 0),
    "subtitles.mp4": (held(b"1\n00:00:00,000 --> 00:00:09,000\nHello\n\n" * 5), False, 0),
    "playlist.mp4": (held(b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n"), False, 0),
    "concat.mp4": (held(b"ffconcat version 1.0\nfile /etc/passwd\n"), False, 0),
    "sdp.mp4": (
        held(b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"),
        False,
        0,
    ),
    "sound.mp4": (sound_only, False, 0),
    "sound.mp2": (sound_only, False, 0),
    "sound named.mkv": (lambda p: sound_only(p.with_suffix(".mp2")).rename(p), False, 0),
    "size changes.ts": (lambda p: joined(p, {}, {"size": (32, 24)}), False, 0),
    "depth changes.ts": (lambda p: joined(p, {}, {"kind": "yuv420p10le"}), None, 12),
    "gray turns to colour.ts": (lambda p: joined(p, {"kind": "gray"}, {}), None, 12),
    "colour turns to gray.ts": (lambda p: joined(p, {}, {"kind": "gray"}), None, 12),
    "chroma changes.ts": (lambda p: joined(p, {}, {"kind": "yuv444p"}), None, 12),
    "times start again.ts": (lambda p: joined(p, {}, {}), None, 12),
    "gray turns to colour.mjpeg": (lambda p: motion_jpeg(p, GRAY, RGB, RGB), None, 3),
    "colour turns to gray.mjpeg": (lambda p: motion_jpeg(p, RGB, GRAY, RGB), None, 3),
    "size changes.mjpeg": (lambda p: motion_jpeg(p, RGB, RGB[:8], RGB), False, 0),
    "lies wide.mjpeg": (held(encoded(RGB, "jpeg") + lying_jpeg(16384, 16) + encoded(RGB, "jpeg")), False, 0),
    "fps 0.avi": (rated(1, 0), None, 6),
    "fps 1e9.avi": (rated(1, 10**9), None, 6),
    "fps 4e9.avi": (rated(1, 2**32 - 1), None, 6),
    "fps tiny.avi": (rated(2**31, 1), None, 6),
    "scale 0.avi": (rated(0, 25), None, 6),
    "no frames.y4m": (held(b"YUV4MPEG2 W24 H16 F25:1 Ip A1:1 C420\n"), False, 0),
    "fps 0.y4m": (held(b"YUV4MPEG2 W24 H16 F0:0 Ip A0:0 C420\n" + 3 * (b"FRAME\n" + bytes(576))), None, 3),
    "huge.y4m": (held(b"YUV4MPEG2 W99999 H99999 F25:1 Ip A1:1 C420\nFRAME\n" + bytes(576)), False, 0),
    "fps 1e9.y4m": (held(b"YUV4MPEG2 W24 H16 F1000000000:1 C420\n" + 3 * (b"FRAME\n" + bytes(576))), None, 3),
    "aspect.y4m": (held(b"YUV4MPEG2 W24 H16 F25:1 A99999:1 C420\n" + 3 * (b"FRAME\n" + bytes(576))), None, 3),
}


def timed(path, stamps):
    """Pictures that stand alone, at the given times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", 25)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuvj420p"
        stream.codec_context.time_base = stream.time_base = MILLISECOND
        for k, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(np.roll(RGB, k, 1), format="rgb24")
            frame.pts, frame.time_base = k, MILLISECOND
            for packet in stream.encode(frame):
                packet.pts, packet.dts, packet.time_base = stamp, None if stamp is None else k, MILLISECOND
                container.mux(packet)
    return path


def retimed(path, stamps):
    """The same, by a change of the file, for no library writes times that turn back."""
    data = bytearray(timed(path, STAMPS[: len(stamps)]).read_bytes())
    blocks = [data.index(b"\x81" + struct.pack(">h", stamp) + b"\x80") for stamp in STAMPS[: len(stamps)]]
    for block, stamp in zip(blocks, stamps, strict=True):
        data[block + 1 : block + 3] = struct.pack(">h", stamp)
    path.write_bytes(data)
    return path


TIMES = {
    "equal": (retimed, (5, 5, 5, 5)),
    "backwards": (retimed, (90, 60, 30, 0)),
    "a jump back": (retimed, (0, 40, 20, 60)),
    "negative": (retimed, (-400, -360, -320, -280)),
    "across zero": (retimed, (-40, 0, 40, 80)),
    "extreme": (retimed, (-32768, -1, 0, 32767)),
    "huge": (timed, (0, 40, 2**31, 2**33)),
    "far": (timed, (2**40, 2**40 + 40, 2**40 + 80, 2**40 + 120)),
    "missing": (timed, (None, None, None, None)),
    "some missing": (timed, (0, None, 80, None)),
    "days apart": (timed, (0, 86_400_000, 172_800_000, 259_200_000)),
    "no time apart": (timed, (0, 1, 2, 3)),
}
FILES |= {
    f"times {name}.mkv": (lambda path, own=own, stamps=stamps: own(path, stamps), None, 4)
    for name, (own, stamps) in TIMES.items()
}
