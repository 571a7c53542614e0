"""Figure 7: maps of the defocus where a sharp object is before a blurred background, at rest and in motion.

    python -m experiments.paper.figure_7

The table has the error of each map where there is texture to see a defocus: just noticeable defocus [32], edges [24],
local spectra [23], ours; "in focus" calls everything sharp, as the blurry input is taken for without a map.
"""

from pathlib import Path

import numpy as np

from experiments.baselines import just_noticeable, zhu, zhuo_sim
from experiments.clips import TrueClip, of_rendered, textured
from experiments.command import run
from experiments.paper.layout import with_remarks
from experiments.paper.pages import page
from experiments.paper.scenes import at_rest, scene
from experiments.paper.systems import ours
from experiments.results import Results
from gvd_jax import metrics
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import photograph
from gvd_jax.video.synthesize import render
from gvd_jax.view.colour import defocus_colours
from gvd_jax.view.figures import save

FRAMES, HEIGHT, WIDTH = 5, 240, 320
BACKGROUND = 2.0  # pixels
LARGEST = 3.0  # pixels: the brightest colour of a map
NUMBER = 88  # of the scene
LEARNED_FROM = ("astronaut", "coffee")  # photographs that are not in the scene
MIDDLE = FRAMES // 2
REMARKS = "[23], [24] and [32] are weaker than their authors', or may be: see experiments/baselines."


def clip(moving: bool) -> TrueClip:
    """A sharp object before a blurred background."""
    layers = scene(NUMBER, FRAMES, HEIGHT, WIDTH)
    layers = layers if moving else at_rest(layers, MIDDLE)
    return of_rendered("figure 7", render(layers, FRAMES, HEIGHT, WIDTH, 0.45, (BACKGROUND, 0.0)))


def maps(shown: TrueClip, dictionary: just_noticeable.Dictionary) -> dict[str, HostArray]:
    """The defocus [H, W] of the middle frame, as each system finds it."""
    frame = shown.blurry[MIDDLE]
    found = ours(shown).defocus
    assert found is not None
    return {
        "in focus": np.zeros(frame.shape[:2], np.float32),
        "[32]": just_noticeable.defocus_map(frame, dictionary),
        "[24]": zhuo_sim.defocus_map(frame),
        "[23]": zhu.defocus_map(frame),
        "ours": found[MIDDLE],
        "truth": shown.defocus[MIDDLE],
    }


def main(results: Path = Path("experiments/results/figure_7.json")) -> None:
    """Draw the page and print the table."""
    kept = Results(results, with_remarks(REMARKS))
    dictionary = just_noticeable.learn_dictionary([photograph(name) for name in LEARNED_FROM])
    rows = []
    for letter, condition in (("a", "at rest"), ("b", "in motion")):
        shown = clip(moving=condition == "in motion")
        found = maps(shown, dictionary)
        seen = textured(shown.sharp)[MIDDLE]
        for system, sigma in found.items():
            error = metrics.defocus_error(sigma, shown.defocus[MIDDLE], seen)
            kept.add(f"{condition}/{system}", {"sigma RMSE px": round(error, 3)})
        coloured = {name: defocus_colours(sigma, LARGEST) for name, sigma in found.items() if name != "in focus"}
        rows.append({f"({letter}) blurry, {condition}": shown.blurry[MIDDLE], **coloured})
    save(page(rows), results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
