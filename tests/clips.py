"""Clips as other programs write them, and copies of clips made in parts."""

import itertools
from fractions import Fraction

import av
import numpy as np

from gvd_jax.video.layers import photograph
from gvd_jax.video.sink import join_parts, open_target, write_part
from gvd_jax.video.source import read_frames

MILLISECOND = Fraction(1, 1000)
STEADY = tuple(range(0, 480, 40))
UNEVEN = (0, 33, 50, 133, 166, 167, 300, 333, 400, 533, 567, 601)
ENCODERS = {".webm": "libvpx-vp9", ".avi": "mpeg4", ".gif": "gif"}


def waves(frames=12, height=48, width=64):
    """Colours smooth enough for chroma of half the size."""
    t, y, x, c = np.ogrid[:frames, :height, :width, :3]
    return (0.5 + 0.3 * np.sin(x / 19 + 0.3 * t) * np.cos(y / 17) + 0.03 * np.cos(x / 15 + c)).astype(np.float32)


def record(
    path,
    stamps=STEADY,
    unit=MILLISECOND,
    encoder=None,
    kind="yuv420p",
    tags=(),
    options=(),
    sound=None,
    size=(48, 64),
    metadata=(),
):
    """A clip of `waves` as another program would write it, with a German title and a tone in Finnish."""
    images = np.round(waves(len(stamps), *size) * 65535).astype(np.uint16)
    with av.open(str(path), "w") as container:
        container.metadata.update(title="Die Wellen", comment="rough sea", creation_time="2020-01-02T03:04:05.000000Z")
        container.metadata.update(metadata)
        stream = container.add_stream(encoder or ENCODERS.get(path.suffix, "libx264"), 25, options=dict(options))
        stream.height, stream.width, stream.pix_fmt = *size, kind
        stream.codec_context.time_base = stream.time_base = unit
        stream.codec_context.colorspace = 1
        stream.metadata["language"] = "fra"
        for tag, value in dict(tags).items():
            setattr(stream.codec_context, tag, value)
        tone = container.add_stream(sound, 48000, layout="mono") if sound else None
        if tone:
            tone.metadata["language"] = "fin"
        for image, stamp in zip(images, stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb48le").reformat(format=kind, dst_colorspace=1)
            frame.pts, frame.time_base = stamp, unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if tone:
            add_tone(container, tone, float((stamps[-1] + 40) * unit))
    return path


def add_tone(container, stream, seconds):
    wave = np.sin(np.arange(int(seconds * 48000)) / 20).astype(np.float32)[None]
    kind, size = stream.codec_context.format.name, stream.codec_context.frame_size or 960
    resampler = av.AudioResampler(format=kind, layout="mono", rate=48000, frame_size=size)
    frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 48000, 0
    for piece in (*resampler.resample(frame), *resampler.resample(None), None):
        container.mux(stream.encode(piece))


def sound_packets(path):
    """Seconds and bytes of every packet of sound."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return [packet.pts * packet.time_base for packet in packets], [bytes(packet) for packet in packets]


def copy(source, path, cuts=(0, 5, None)):
    """Write a source as it is, in parts between `cuts`."""
    target = open_target(path, source, overwrite=True)
    parts = [path.with_name(f"part{start}") for start in cuts[:-1]]
    for part, (start, stop) in zip(parts, itertools.pairwise(cuts), strict=True):
        write_part(target, part, start, read_frames(source, start, stop))
    join_parts(target, parts)
    return target


def stacked(source, *window):
    return np.stack(list(read_frames(source, *window)))


def panned(name, count, height=48, width=64):
    """Sharp frames of a photograph that moves by (4, 2) pixels a frame, float32 [T, H, W, 3]."""
    photo = photograph(name)[80:, 100:]
    frames = [photo[2 * k : height + 2 * k, 4 * k : width + 4 * k] for k in range(count)]
    return np.stack(frames).astype(np.float32)
