"""What a run says that it has found."""

import numpy as np
import pytest

from gvd_jax.progress import Progress
from gvd_jax.scale.findings import Findings, exposure_notes, findings_of, mean_of
from gvd_jax.scale.window import Restored

SURE = Findings(0.42, 0.01, 2.3, 0.4, 0.6, 0.25, 1.2, 0.0)


@pytest.mark.parametrize(
    "found, lines",
    [
        (SURE, ["0.420 +- 0.010", "2.30 +- 0.40", "0.6 px", "1.2 px in 25%, removed"]),
        (
            Findings(0.42, 0.01, 2.4, 0.5, 0.6, 0, 0, 0),
            ["0.420 +- 0.010", "2.40 (a guess)", "0.6 px", "nothing"],
        ),
        (Findings(0.25, 0, 1, 0, 0, 0, 0, 0), ["0.250", "1.00", "0.0 px", "nothing"]),
        (Findings(0.25, 0, 1, 0, 0, 0.5, 2.0, 1.0), ["0.250", "1.00", "0.0 px", "2.0 px in 50%, left"]),
        (Findings(0.25, 0.12, 1, 0, 0, 0, 0, 0), ["0.250 (a guess)", "1.00", "0.0 px", "nothing"]),
        (Findings(0.0, 0.01, 1, 0, 0, 0, 0, 0), ["none", "1.00", "0.0 px", "nothing"]),
        (Findings(0.25, 0, 1, 0, None, None, None, None), ["0.250", "1.00", "not looked for", "not looked for"]),
    ],
    ids=["found", "guessed curve", "given", "left", "guessed shutter", "sharp", "not looked for"],
)
def test_a_line_for_each(found, lines):
    assert list(found.lines().values()) == lines


@pytest.mark.parametrize(
    "found, words",
    [
        (SURE, []),
        (
            Findings(0.25, 0.12, 2.4, 0.5, 0, 0, 0, 0),
            ["no shot is long enough and moves enough to tell the duty cycle: 0.25 is a guess"],
        ),
        (
            Findings(0.0, 0.12, 2.4, 0.5, 0, 0, 0, 0),
            ["no shot is long enough and moves enough to tell the duty cycle: no motion blur was"],
        ),
        (
            Findings(0.25, 0, 1, 0, 0, 0.5, 2.0, 1.0),
            ["without motion blur, what is out of focus is taken as meant"],
        ),
        (Findings(0.0, 0.01, 2.4, 0.5, 0, 0, 0, 0), ["what moves is sharp to a pixel or two"]),
        (Findings(0.0, 0.0, 1.0, 0.0, 0, 0, 0, 0), []),  # every picture stands alone
        (Findings(0.4, 0.01, 2.4, 0.5, 0, 0, 0, 0, 0.03), ["3.0% of the picture stands still before the scene"]),
        (
            Findings(0.4, 0.01, 2.4, 0.5, 0, 0, 0, 0, 0.0, 0.27),
            ["the duty cycle of its shots differs by 0.27: each is restored with its own"],
        ),
        (Findings(0.4, 0.01, 2.4, 0.5, 0, 0, 0, 0, 0.0, 0.04), []),
    ],
)
def test_what_a_clip_cannot_tell_is_said(found, words):
    notes = found.notes()
    assert len(notes) == len(words)
    assert all(note.startswith(beginning) for note, beginning in zip(notes, words, strict=True))


@pytest.mark.parametrize(
    "levels, continues, words",
    [
        ([1.0, 1.03, 1.0, 1.03, 1.0], 5 * [True], []),
        ([1.0, 1.5, 1.0, 1.0, 1.0], 5 * [True], ["the exposure changes in frame 1, 3, by up to 50%"]),  # 2 repeats 1
        ([1.0, 1.1, 1.2, 1.3, 1.0], [True, True, True, False, True], ["the exposure changes in frame 1, 3, 4, by up"]),
    ],
    ids=["even", "flash", "rising up to a cut"],
)
def test_changes_of_exposure_are_said_with_their_frames(levels, continues, words):
    exposure = np.stack([levels, np.zeros(5)], -1)
    notes = exposure_notes(exposure, (0, 1, 3, 4, 5), continues)
    assert len(notes) == len(words)
    assert all(note.startswith(beginning) for note, beginning in zip(notes, words, strict=True))


def test_the_last_of_every_tile_and_window_counts():
    def step(**measured):
        return Progress("shake", 0, 1, (4, 4), 1.0, 1.0, {}, measured={"shake px": 0.0} | measured)

    camera = {"duty_cycle": 0.4, "duty_cycle_error": 0.02, "gamma": 2.2, "gamma_error": 0.3, "still": 0.0}
    soft = {"defocused share": 0.5, "defocus px": 2.0, "defocus left": 0.0}
    sharp = dict.fromkeys(soft, 0.0)
    tiles = [[step(**{"shake px": 9.0}), step(**{"shake px": 1.0} | soft)], [step(**{"shake px": 2.0} | sharp)]]
    found = findings_of(Restored({name: np.array(value) for name, value in camera.items()}, tiles))
    assert found == Findings(0.4, 0.02, 2.2, 0.3, 1.5, 0.25, 1.0, 0.0)
    both = mean_of([found, Findings(0.2, 0.02, 2.2, 0.3, 0.5, 0.0, 0.0, 0.0)])
    assert both.duty_cycle == pytest.approx(0.3) and both.defocused == 0.125
    assert both.duty_cycles_differ == pytest.approx(0.2)
    assert both.defocus == pytest.approx(1.0)  # where there is none it has no width
