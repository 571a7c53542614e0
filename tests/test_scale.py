"""Windows and tiles cover a clip once and fit into memory; jobs go on where they broke off."""

import json

import jax
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.errors import InputError
from gvd_jax.method.timeline import plain_timeline
from gvd_jax.progress import Progress
from gvd_jax.scale import prepare
from gvd_jax.scale.job import open_job
from gvd_jax.scale.layout import CONTEXT, LONGEST, Budget, Layout, lay_out
from gvd_jax.scale.run import Window, read_windows, restore_windows
from gvd_jax.scale.spans import Span, count_spans, cut, weights
from gvd_jax.scale.survey import Survey, _agree
from gvd_jax.scale.window import restore_window
from tests.commands import result_of


@pytest.mark.parametrize(
    "length, size, overlap", [(5, 9, 4), (9, 9, 4), (10, 9, 4), (37, 9, 6), (100, 32, 6), (64, 20, 10)]
)
def test_spans_cover_an_axis_once_and_see_beyond_what_they_keep(length, size, overlap):
    spans = cut(length, size, overlap)
    assert len(spans) == count_spans(length, size, overlap)
    assert {span.stop - span.start for span in spans} == {min(size, length)}
    assert [k for span in spans for k in range(span.first, span.last)] == list(range(length))
    for span in spans:
        assert span.start == 0 or span.first - span.start >= overlap // 2
        assert span.stop == length or span.stop - span.last >= overlap // 2


CONFIG = gvd.Config.default()


@pytest.mark.parametrize("length, size, overlap", [(5, 9, 4), (37, 9, 6), (64, 20, 10)])
def test_weights_add_up_to_one_and_leave_borders_out(length, size, overlap):
    spans = cut(length, size, overlap)
    for span, share in zip(spans, weights(spans), strict=True):
        assert share[0] == (span.start == 0) and share[-1] == (span.stop == length)
    np.testing.assert_allclose(total_weight(spans), 1, atol=1e-6)


def total_weight(spans):
    """Of every place of an axis."""
    total = np.zeros(spans[-1].stop)
    for span, share in zip(spans, weights(spans), strict=True):
        total[span.start : span.stop] += share
    return total


@pytest.mark.parametrize("gigabytes", [0.7, 1.0, 2.0, 8.0])
@pytest.mark.parametrize("shape", [(9, 240, 320), (400, 720, 1280), (18000, 2160, 3840), (12, 4000, 60)])
def test_a_layout_covers_the_clip_and_fits(gigabytes, shape):
    budget = Budget(gigabytes * 2**30, 1e8, 400.0, 12.0, 36.0)
    count, height, width = shape
    if gigabytes < 8 and shape[1] == 2160:
        with pytest.raises(InputError, match=r"frames of 3840x2160: give --max-memory \d"):
            lay_out(*shape, 20.0, budget)
        return
    layout = lay_out(*shape, 20.0, budget)
    rows, columns = layout.rows[0], layout.columns[0]
    kept = max(span.last - span.first for span in layout.windows)
    block = rows.stop - rows.start, columns.stop - columns.start
    assert budget.need(layout.frames, kept, block, (height, width)) <= budget.total
    assert layout.frames <= LONGEST
    for spans in (layout.rows, layout.columns):
        np.testing.assert_allclose(total_weight(spans), 1, atol=1e-5)
    assert layout.windows[-1].last == count and layout.rows[-1].last == height and layout.columns[-1].last == width
    assert all(b.first - b.start >= CONTEXT for b in layout.windows[1:])
    assert prepare.from_json(json.loads(json.dumps(prepare.to_json(Survey(0.4), layout)))) == (Survey(0.4), layout)


def test_a_clip_that_fits_is_one_block_and_is_not_surveyed():
    budget = Budget(2e9, 1e8, 400.0, 12.0, 36.0)
    known = Survey("auto", timeline=plain_timeline(9))
    survey, layout = prepare.prepare(lambda start, stop: noise(stop - start), known, (240, 320), CONFIG, budget)
    assert survey == known and (len(layout.windows), layout.tiles) == (1, 1)


@pytest.mark.parametrize(
    "values, errors, expected",
    [
        ([0.40, 0.43, 0.38], [0.02, 0.02, 0.03], True),
        ([0.40, 0.23], [0.01, 0.01], False),
        ([0.40, 0.23], [0.03, 0.06], True),  # not sure
        ([0.40, 0.00], [0.02, 0.12], True),  # one that tells nothing
    ],
    ids=["one camera", "two cameras", "perhaps", "a guess"],
)
def test_probes_agree_unless_two_surely_differ(values, errors, expected):
    assert _agree(values, errors, doubtful=0.08, least=0.1) == expected


def noise(count, height=12, width=16, channels=3):
    return np.random.default_rng(0).random((count, height, width, channels), np.float32)


def inverted(block):
    """What a method that inverts a block would give."""
    count, height, width = block.shape[:3]
    flow = np.broadcast_to(block[:, None, :, :, :1], (count, 2, height, width, 2))
    step = Progress("latent", 0, 1, (height, width), 1.0, 1.0, {})
    return result_of(1 - block, flow, block[..., 0], block[..., 1], np.full(count, 0.25, np.float32), [step])


def test_tiles_are_blended_without_a_trace():
    frames = noise(5)
    layout = Layout(cut(5, 5, 0), cut(12, 8, 4), cut(16, 11, 6))
    restored = restore_window(list(frames), Span(0, 5, 1, 4), layout, CONFIG, lambda block, config: inverted(block))
    np.testing.assert_allclose(restored["latent"], 1 - frames[1:4], atol=1e-6)
    np.testing.assert_allclose(restored["flow"][:, 1, ..., 1], frames[1:4, ..., 0], atol=1e-6)
    np.testing.assert_allclose(restored["confidence"], frames[1:4, ..., 1], atol=1e-6)
    np.testing.assert_allclose(restored["duty_cycle"], 0.25, atol=1e-6)
    assert len(restored.histories) == layout.tiles == 4


@pytest.mark.parametrize("finished", [set(), {0}, {0, 1, 4}, {1}])
def test_windows_read_every_frame_once_and_in_order(finished):
    frames, read = noise(40), []

    def stream(begin):
        for k in range(begin, 40):
            read.append(k)
            yield k, frames[k]

    windows = [Window(k, span) for k, span in enumerate(cut(40, 12, 6)) if k not in finished]
    for window, own in read_windows(stream(windows[0].span.start), windows):
        np.testing.assert_array_equal(own, frames[window.span.start : window.span.stop])
    assert read == list(range(windows[0].span.start, 40))


@pytest.mark.parametrize("devices", [1, 3])
def test_windows_are_emitted_with_their_own_frames_and_their_share_of_the_work(monkeypatch, devices):
    frames, out, seen = noise(20), np.zeros((20, 12, 16, 3), np.float32), []

    def block(frames, survey, config, hooks, first):
        for fraction in (0.5, 1.0):
            for hook in hooks:
                hook(Progress("latent", 0, 1, (12, 16), fraction, 1.0, {}))
        return inverted(frames)

    monkeypatch.setattr("gvd_jax.scale.run.restore_block", block)
    monkeypatch.setattr("jax.local_devices", lambda: jax.devices() * devices)
    layout = Layout(cut(20, 10, 6), cut(12, 12, 0), cut(16, 16, 0))
    windows = [Window(k, span) for k, span in enumerate(layout.windows)]

    def emit(window, blurry, restored):
        np.testing.assert_array_equal(blurry, frames[window.span.first : window.span.last])
        out[window.span.first : window.span.last] = restored["latent"]

    stream = read_windows(enumerate(frames), windows)
    restore_windows(stream, len(windows), layout, Survey(0.4), CONFIG, emit, [seen.append])
    np.testing.assert_allclose(out, 1 - frames, atol=1e-6)
    count = 2 * len(windows)
    np.testing.assert_allclose([step.fraction for step in seen], np.arange(1, count + 1) / count)
    assert {step.part for step in seen} == {f"frames {w.span.first} to {w.span.last - 1}" for w in windows}


@pytest.mark.parametrize("devices", [1, 3])
def test_the_first_failure_stops_all_windows(monkeypatch, devices):
    def block(frames, survey, config, hooks, first):
        raise InputError("no such light")

    monkeypatch.setattr("gvd_jax.scale.run.restore_block", block)
    monkeypatch.setattr("jax.local_devices", lambda: jax.devices() * devices)
    layout = Layout(cut(40, 10, 6), cut(12, 12, 0), cut(16, 16, 0))
    windows = [Window(k, span) for k, span in enumerate(layout.windows)]
    stream = read_windows(enumerate(noise(40)), windows)
    with pytest.raises(InputError, match="no such light"):
        restore_windows(stream, len(windows), layout, Survey(0.4), CONFIG, lambda *_: None, [])


def test_a_job_goes_on_only_with_what_was_asked(tmp_path):
    output = tmp_path / "out.mp4"
    job = open_job(output, {"preset": "default", "input": "a"}, resume=False, overwrite=False)
    assert job.found is None
    job.begin({"tau": 0.25})
    job.finish_window(0, lambda folder: (folder / "x").write_text("1"))
    again = open_job(output, {"preset": "default", "input": "a"}, resume=True, overwrite=False)
    assert again.found == {"tau": 0.25} and (again.window(0) / "x").read_text() == "1"
    with pytest.raises(InputError, match=r"was begun with preset default, now it is fast"):
        open_job(output, {"preset": "fast", "input": "a"}, resume=True, overwrite=False)
    with pytest.raises(InputError, match=r"go on with --resume, or begin anew with --overwrite"):
        open_job(output, {"preset": "default", "input": "a"}, resume=False, overwrite=False)
    anew = open_job(output, {"preset": "fast", "input": "a"}, resume=False, overwrite=True)
    assert not anew.folder.exists()


def test_half_a_window_is_none_and_a_strange_folder_stays(tmp_path):
    job = open_job(tmp_path / "out", {}, resume=True, overwrite=False)
    job.begin({})

    def fail(folder):
        (folder / "x").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        job.finish_window(3, fail)
    assert not job.window(3).exists()
    job.finish_window(3, lambda folder: None)
    assert list(job.window(3).iterdir()) == []
    strange = tmp_path / "other.unfinished"
    strange.mkdir()
    (strange / "letters").write_text("dear")
    with pytest.raises(InputError, match="is no folder of an unfinished run"):
        open_job(tmp_path / "other", {}, resume=False, overwrite=True)
    assert (strange / "letters").exists()
