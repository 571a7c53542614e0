"""What the tables of the paper are made from: rows, layouts, and readers of footage that users bring."""

import numpy as np
import pytest

from experiments import readme
from experiments.paper import table_1, tables_2_4
from experiments.paper.layout import comparison
from experiments.paper.scenes import at_rest, scene
from experiments.paper.systems import Restored, scores
from experiments.results import Results
from gvd_jax.errors import InputError
from gvd_jax.video.flow_files import write_flow
from gvd_jax.video.read_write import write_video
from gvd_jax.video.synthesize import render

ROWS = {
    f"{clip}/{blur}/{system}": {"PSNR": psnr + gain, "SSIM": 0.5 + gain / 10}
    for clip, psnr in (("1", 20.0), ("2", 30.0))
    for blur in ("motion", "both")
    for system, gain in (("blurry", 0.0), ("[20]", 1.0), ("ours", 3.0))
}
NAMES = ("frame_0001.png", "frame_0002.png", "frame_0003.png")
HEADS = {"motion": "Motion", "both": "Both"}
PRINTED = {("[20]", "motion"): (22.0, 0.4), ("ours", "motion"): (23.5, 0.45)}
LAYOUT = comparison(HEADS, ("blurry", "[20]", "ours", "exact"), ("PSNR", "SSIM"), PRINTED, "Remarks.", ("[20]", "ours"))


def test_a_table_stands_next_to_the_papers():
    assert LAYOUT(ROWS).splitlines() == [
        "| mean of 2 clips | Motion | paper | Both | paper |",
        "|---|---|---|---|---|",
        "| blurry | 25.00 (0.5000) |  | 25.00 (0.5000) |  |",
        "| [20] | 26.00 (0.6000) | 22.00 (0.4000) | 26.00 (0.6000) |  |",
        "| ours | 28.00 (0.8000) | 23.50 (0.4500) | 28.00 (0.8000) |  |",
        "| ours - [20] | +2.00 (+0.2000) | +1.50 (+0.0500) | +2.00 (+0.2000) |  |",
        "",
        "Remarks.",
    ]


def test_means_are_over_clips_that_all_systems_have_restored():
    first = {name: row for name, row in ROWS.items() if name != "2/both/ours"}
    assert "| mean of 1 clips |" in LAYOUT(first) and "| blurry | 20.00 (0.5000) |" in LAYOUT(first)
    assert "| mean of 0 clips |" in LAYOUT({"1/motion/ours": ROWS["1/motion/ours"]})


@pytest.mark.parametrize(
    "named, name, wanted", [((), "a", False), ((), "b", True), (("a",), "a", True), (("a",), "b", False)]
)
def test_rows_are_measured_once_unless_named(tmp_path, named, name, wanted):
    kept = Results(tmp_path / "results.json")
    kept.add("a", {"PSNR": 1.0})
    assert Results(tmp_path / "results.json").wants(name, named) == wanted


def test_scores_leave_out_the_ends_and_what_is_not_found():
    clip, footage = next(table_1.rendered(1, 3, 24, 32))
    shown = table_1.blurred(clip, footage, 1.5)
    spoilt = shown.sharp.copy()
    spoilt[[0, -1]] = 0.0
    spoilt[1] += 0.1
    row = scores(shown, Restored(spoilt, shown.flow + np.float32(3.0)))
    assert row["PSNR"] == pytest.approx(20.0, abs=0.01)
    assert row["EPE px"] == pytest.approx(3 * np.sqrt(2), abs=0.01)
    assert set(row) == {"PSNR", "SSIM", "EPE px"}
    assert scores(shown, Restored(defocus=shown.defocus + 1))["sigma RMSE px"] == pytest.approx(1.0, abs=1e-3)


def test_footage_of_ones_own(tmp_path):
    clip, footage = next(table_1.rendered(1, 3, 24, 32))
    write_video(tmp_path / "walk", footage)
    ((read, frames),) = table_1.read(tmp_path, None, (slice(None),) * 3)
    assert read.name == "walk" and read.duty_cycle == 0.5 and not read.known.any()
    assert set(scores(read, Restored(read.sharp, read.flow, read.defocus))) == {"PSNR", "SSIM"}  # no truth, no error
    own, rendered = table_1.blurred(read, frames, 2.0), table_1.blurred(clip, footage, 2.0)
    np.testing.assert_allclose(own.blurry, rendered.blurry, atol=0.51 / 255)
    assert own.sharp.shape == (3, 24, 32, 3)
    ((part, _),) = table_1.read(tmp_path, 1, (slice(15), slice(20), slice(16)))
    np.testing.assert_array_equal(part.sharp, own.sharp[:1, :20, :16])
    with pytest.raises(InputError, match="walk has 1 frames; give 3"):
        scores(part, Restored(part.sharp))
    with pytest.raises(InputError, match="holds no folders"):
        next(table_1.read(tmp_path / "walk", None, (slice(None),) * 3))
    write_video(tmp_path / "run", frames[::6])
    with pytest.raises(InputError, match="from frame to frame"):
        next(table_1.read(tmp_path, 1, (slice(None),) * 3))


def test_sintel_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    frames, flow = rng.random((3, 12, 16, 3)), rng.normal(size=(3, 12, 16, 2)).astype(np.float32)
    for kind in ("clean", "final"):
        write_video(tmp_path / kind / "alley_1", frames, names=NAMES)
    (tmp_path / "flow" / "alley_1").mkdir(parents=True)
    for i in (1, 2):
        write_flow(tmp_path / "flow" / "alley_1" / f"frame_{i:04d}.flo", flow[i])
    (clip,) = tables_2_4.read(tmp_path, 10, 3)
    assert clip.name == "alley_1" and clip.duty_cycle == 0.25
    np.testing.assert_array_equal(clip.flow[:2, 0], flow[1:])
    assert clip.known[:2, 0].all() and not clip.known[:, 1].any() and not clip.known[2].any()
    with pytest.raises(InputError, match="no scenes in clean/"):
        next(tables_2_4.read(tmp_path / "clean", 1, 3))


@pytest.mark.parametrize("number", range(8))
def test_scenes_move_at_most_a_pixel_between_frames_of_the_footage(number):
    clip = render(scene(number, 5, 48, 64), 5, 48, 64, 0.0)
    speed = np.linalg.norm(clip.flow, axis=-1).max() / table_1.PER_EXPOSURE
    assert 0.2 < speed < 1.0


def test_a_scene_at_rest_stands_as_it_was():
    moving = scene(1, 3, 24, 32)
    still = render(at_rest(moving, 1), 3, 24, 32, 0.5)
    assert np.abs(still.flow).max() < 1e-6
    # Rest does not turn: what the scene has turned by then is a few thousandths.
    assert np.abs(still.sharp[0] - render(moving, 3, 24, 32, 0.0).sharp[1]).mean() < 0.03


def test_the_readme_shows_what_was_measured():
    text = readme.README.read_text()
    assert readme.with_tables(text) == text
    assert len(readme.TABLE.findall(text)) >= 9
    changed = text.replace("| ours |", "| theirs |")
    assert changed != text and readme.with_tables(changed) == text
    front = readme.FRONT.read_text()
    assert len(readme.EVIDENCE.findall(front)) == 1 and readme.with_evidence(front) == front
