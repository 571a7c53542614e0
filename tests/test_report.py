"""The report: what it says, that it holds all it shows, and that it is never seen half written."""

import base64
import dataclasses
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import imageio.v3 as iio
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.clock import Clock
from gvd_jax.errors import InputError
from gvd_jax.progress import Progress, stage_seconds
from gvd_jax.view.embed import data_uri, to_bytes
from gvd_jax.view.page import (
    FrameView,
    frame_numbers,
    frame_section,
    report_page,
    running_page,
    time_left,
    timings,
)
from gvd_jax.view.report import Report
from gvd_jax.view.shown import chosen_frames, frames_note

HOSTILE = "<b>&\"'</b>"
ESCAPED = "&lt;b&gt;&amp;&quot;&#x27;&lt;/b&gt;"


def step(stage, level, seconds, energy, unknowns=None):
    return Progress(stage, level, 2, (10 * 2**level, 20 * 2**level), seconds / 10, seconds, energy, unknowns)


def view(number=0, height=24, width=30, truth=True):
    rng = np.random.default_rng(number)
    blurry, restored, sharp = rng.random((3, height, width, 3)).astype(np.float32)
    flow, rest = rng.normal(size=(2, height, width, 2)), rng.random((2, height, width))
    return FrameView(number, blurry, restored, flow, *rest, sharp if truth else None)


HISTORY = [
    step("latent", 0, 1.5, {"data": 300.0, HOSTILE: 40.0}),
    step(HOSTILE, 1, 4.0, {"data": 900.0, HOSTILE: 80.0}),
]


def page(sections=(), settings=None, timings=(), note=""):
    return report_page(sections, HISTORY, settings or {}, timings, fastest=2.0, softest=1.0, note=note)


class Sources(HTMLParser):
    """Everything that a page would load."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        loaded = ("src", "srcset", "poster", "data", "action") + (("href",) if tag == "link" else ())
        self.found += [value for name, value in attrs if name in loaded]


@pytest.mark.parametrize(
    "text",
    [
        page(settings={HOSTILE: HOSTILE}),
        page(timings=[(HOSTILE, HOSTILE)]),
        page(note=HOSTILE),
        running_page(HISTORY[1], HISTORY, {HOSTILE: HOSTILE}),
    ],
    ids=["settings", "timings", "note", "running"],
)
def test_what_comes_from_outside_is_text(text):
    assert HOSTILE not in text and text.count(ESCAPED) >= 2  # the term of the energy too


@pytest.mark.parametrize("truth", [True, False])
def test_a_page_holds_all_that_it_shows(truth):
    text = page([frame_section(view(k, truth=truth), 2.0, 1.0) for k in range(3)])
    sources = Sources(text).found
    assert len(sources) == 1 + 3 + 3 * (7 if truth else 6)  # the icon, the legend, and of each frame two, maps, truth
    assert all(source.startswith("data:") for source in sources)
    assert not re.search(r"url\(\s*[\"']?(?!#)|@import", text) and 'http-equiv="refresh"' not in text


@pytest.mark.parametrize("height, kind, error", [(256, "png", 0), (257, "jpeg", 12)])
@pytest.mark.parametrize("shape", [(256,), (256, 3)], ids=["gray", "colour"])
def test_images_survive_embedding(height, kind, error, shape):
    """Small ones exactly; of a large one also where colours meet, for half the colours would blur by 60 gray levels."""
    picture = np.zeros((height, *shape))
    picture.reshape(height, 256, -1)[:, :101, 0], picture.reshape(height, 256, -1)[:, 101:, -1] = 1, 0.75
    head, content = data_uri(to_bytes(picture)).split(",")
    seen = iio.imread(base64.b64decode(content), extension=f".{kind}")
    assert head == f"data:image/{kind};base64" and seen.shape == picture.shape
    np.testing.assert_allclose(seen, np.round(255 * picture), atol=error)


@pytest.mark.parametrize(
    "change, motion, psnr",
    [
        (0.1, 3.0, ("20.00 dB", "inf dB")),  # the frame becomes the truth
        (-0.2, np.nan, ("13.98 dB", "inf dB")),
        (0.1, 0.0, None),
    ],
)
def test_the_numbers_of_a_frame(change, motion, psnr):
    blurry, flow = np.full((8, 9, 1), 0.5), np.zeros((2, 8, 9, 2))
    flow[1, 2, 3] = motion, 0.0
    confidence = np.linspace(0, 1, 72).reshape(8, 9)
    truth = None if psnr is None else blurry + change
    numbers = dict(frame_numbers(FrameView(4, blurry, blurry + change, flow, blurry[..., 0], confidence, truth)))
    assert numbers.pop("mean change") == f"{255 * abs(change):.2f} gray levels"
    assert numbers.pop("largest motion") == f"{np.nan_to_num(motion):.1f} px"
    assert numbers.pop("mean confidence") == "0.50"
    assert tuple(numbers.values()) == (psnr or ())


@pytest.mark.parametrize(
    "count, most, chosen",
    [
        (0, 48, []),
        (1, 48, [0]),
        (3, 48, [0, 1, 2]),
        (5, 3, [0, 2, 4]),
        (9, 5, [0, 2, 4, 6, 8]),
    ],
)
def test_a_long_clip_is_thinned_evenly(count, most, chosen):
    assert chosen_frames(count, most) == chosen


@pytest.mark.parametrize("count", [48, 49, 95, 1000])
def test_thinning_keeps_the_ends_and_skips_alike(count):
    chosen = chosen_frames(count)
    assert len(chosen) == 48 and (chosen[0], chosen[-1]) == (0, count - 1)
    assert np.ptp(np.diff(chosen)) <= 1
    assert (f"the {count} of the clip" in frames_note(count)) == (count > 48)


@pytest.mark.parametrize(
    "fraction, seconds, said",
    [
        (0.0, 3.0, "Just begun."),
        (0.5, 30.0, "About 30 s left."),
        (0.25, 41.0, "About 2 min 3 s left."),
        (0.1, 1000.0, "About 2 h 30 min left."),
        (1.0, 9.0, "About 0 s left."),
    ],
)
def test_the_time_that_is_left(fraction, seconds, said):
    assert time_left(Progress("flow", 0, 1, (2, 2), fraction, seconds, {})) == said


def test_compiling_says_nothing_of_the_time_that_is_left():
    progress = Progress("flow", 0, 1, (2, 2), 0.25, 40.0, {}, compiling=0.75)
    assert progress.left == pytest.approx(30)
    one, two = Clock(), Clock(threads=2)
    jax.jit(lambda x: jnp.sin(x) + 3)(1.0)
    (seconds, share), (_, of_two) = one.read(), two.read()
    assert 0 < share < 1 and of_two == pytest.approx(share / 2, rel=0.1)
    time.sleep(seconds)
    assert one.read()[1] == pytest.approx(share / 2, rel=0.1)


def test_timings_of_parts_add_up():
    histories = [[step("latent", 1, 2.0 * k, {}), step("flow", 1, 3.0 * k, {})] for k in (1, 2)]
    of = "level 2 of 2 (40x20)"
    assert timings(stage_seconds(histories)) == [(f"latent, {of}", "6.0"), (f"flow, {of}", "3.0"), ("all", "9.0")]


def test_of_a_long_clip_the_part_is_named_and_only_its_energy_drawn():
    first, second = (dataclasses.replace(HISTORY[0], part=f"window {k} of 2") for k in (1, 2))
    second = dataclasses.replace(second, energy={"temporal": 1.0})
    text = running_page(second, [first, second], {})
    assert "window 2 of 2, latent, level 1 of 2" in text and re.findall("<li .*?>(.*?)</li>", text) == ["temporal"]


def test_the_page_of_a_resumed_run_is_that_of_an_unbroken_one(tmp_path):
    """Sections may be made early, kept in files, and joined by another run."""
    unbroken = page([frame_section(view(k), 2.0, 1.0) for k in range(4)], {"preset": "fast"}, [("flow", "2.0")])
    for k in range(4):
        (tmp_path / f"{k}.html").write_text(frame_section(view(k), 2.0, 1.0), encoding="utf-8")
    kept = [(tmp_path / f"{k}.html").read_text(encoding="utf-8") for k in range(4)]
    assert page(kept, {"preset": "fast"}, [("flow", "2.0")]) == unbroken


@pytest.mark.parametrize("place, file", [("a/report", "a/report/index.html"), ("a/page.html", "a/page.html")])
def test_the_report_follows_the_run_and_ends_with_every_frame(tmp_path, place, file):
    report, path = Report(tmp_path / place, {"preset": HOSTILE}), tmp_path / file
    views = [view(k) for k in range(3)]
    blurry, latent, flow = (np.stack([getattr(v, name) for v in views]) for name in ("blurry", "restored", "flow"))
    report(step("latent", 0, 1.5, {"data": 1.0}, SimpleNamespace(latent=latent[..., :1], flow=flow)))
    running = path.read_text(encoding="utf-8")
    assert "15% done after 2 s: latent, level 1 of 2, 20x10" in running and "About 8 s left" in running
    assert '<meta http-equiv="refresh" content="5">' in running and ESCAPED in running
    assert 'alt="Frame 1 now"' in running and 'alt="Motion of frame 1 now"' in running and "<svg" in running
    report(step("flow", 1, 4.0, {"data": 1.0}))
    assert path.read_text(encoding="utf-8") == running  # written a moment ago
    assert [progress.unknowns for progress in report.history] == [None, None]

    maps = np.ones((3, 24, 30), np.float32)
    report.finish(blurry, latent, flow, maps, maps / 2, {"preset": "<default>"}, truth=latent)
    done = path.read_text(encoding="utf-8")
    assert "&lt;default&gt;" in done and done.count("<dd>inf dB</dd>") == 3
    assert '<th scope="row">flow, level 2 of 2 (40x20)</th><td>2.5</td>' in done
    assert re.findall(r'<section class="frame" id="frame-(\d+)"', done) == ["0", "1", "2"]
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_page_is_never_seen_half_written(tmp_path, monkeypatch):
    report = Report(tmp_path)
    report(HISTORY[0])
    whole = report.page.read_text(encoding="utf-8")

    def fail(path, text, encoding):
        with path.open("w", encoding=encoding) as file:
            file.write(text[: len(text) // 2])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="disk full"):
        report.finish(*np.zeros((2, 1, 4, 5, 3)), np.zeros((1, 2, 4, 5, 2)), *np.zeros((2, 1, 4, 5)), {})
    assert report.page.read_text(encoding="utf-8") == whole


def test_a_report_that_has_no_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make"):
        Report(tmp_path / "file" / "report")
