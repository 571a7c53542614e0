"""Tables 2 and 4: structural similarity and flow on clips with motion blur and a defocus that varies.

    python -m experiments.paper.tables_2_4 [--full] [--sintel DIR]

The paper takes ten scenes of MPI Sintel, which is not at hand: give the folder of its training set, or scenes rendered
from photographs stand in, whose layers each have a defocus. Rows that the results have are measured again only if
named.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

import gvd_jax as gvd
from experiments.baselines.portz import portz
from experiments.baselines.tv_l1 import clip_flow, wedel, zach
from experiments.clips import TrueClip, of_frames, of_rendered
from experiments.command import run
from experiments.paper import systems
from experiments.paper.layout import comparison
from experiments.paper.scenes import scene
from experiments.paper.systems import Restored, System, gray
from experiments.results import Results, Row
from gvd_jax.video.datasets import read_sintel
from gvd_jax.video.synthesize import render

DUTY_CYCLE = 0.25  # of Sintel: a shutter of 180 degrees; the paper does not say what it took
SHARP = "[47] on the sharp frames"
SAMPLES, SINTEL_SAMPLES = 6, 32  # per side of the exposure, for [20]: one per 1.8 px of the largest motion
PRINTED_2 = {("[20]", "scene"): (0.7258,), ("ours", "scene"): (0.7312,)}
PRINTED_4 = {
    ("[31]", "scene"): (21.54,),
    ("[47]", "scene"): (17.74,),
    ("[42]", "scene"): (16.25,),
    ("[20]", "scene"): (15.95,),
    ("ours", "scene"): (15.87,),
}
SYSTEMS_2 = ("blurry", "[20]", "ours", "exact")
SYSTEMS_4 = ("no motion", "[31]", "[47]", "[42]", "[20]", "ours", SHARP)


def rendered(count: int, frames: int, height: int, width: int) -> Iterator[TrueClip]:
    """Scenes in motion, in which each layer has a defocus of up to 2 px of its own."""
    for number in range(count):
        layers = scene(50 + number, frames, height, width)
        defocus = tuple(np.random.default_rng(number).uniform(0, 2, len(layers)))
        yield of_rendered(f"{number + 1}", render(layers, frames, height, width, 0.45, defocus, seed=number))


def read(root: Path, count: int, frames: int) -> Iterator[TrueClip]:
    """Scenes of Sintel drawn at random, from the first frame on: "final" is the blurry clip, "clean" the sharp one.

    Only the flow to the next frame is known.
    """
    scenes = sorted(path.name for path in (root / "clean").glob("*") if path.is_dir())
    if not scenes:
        raise gvd.InputError(f"{root} has no scenes in clean/; give the folder `training` of MPI Sintel")
    for name in np.random.default_rng(0).permutation(scenes)[:count]:
        clean, final = (read_sintel(root, name, kind, slice(0, frames)) for kind in ("clean", "final"))
        clip = of_frames(name, final.frames, clean.frames, DUTY_CYCLE)
        clip.flow[:-1, 0], clip.known[:-1, 0] = clean.flow, clean.known
        yield clip


def layout(rows: Mapping[str, Row]) -> str:
    """Table 2 and Table 4, one below the other."""
    similarity = comparison({"scene": "SSIM"}, SYSTEMS_2, ("SSIM",), PRINTED_2, "", ("[20]", "ours"))
    remarks = (
        "SSIM, and the mean end-point error in pixels where the neighbour shows the point; the first and the last "
        "frame are left out. The paper's columns are of Sintel. [31], [42] and [47] are weaker than their authors', or "
        "may be: see experiments/baselines."
    )
    error = comparison({"scene": "EPE"}, SYSTEMS_4, ("EPE px",), PRINTED_4, remarks, ("[42]", "ours"))
    return f"Table 2\n\n{similarity(rows).strip()}\n\nTable 4\n\n{error(rows)}"


def main(
    full: bool = False, sintel: Path | None = None, rows: tuple[str, ...] = (), results: Path | None = None
) -> None:
    """Measure the named rows, or those that are missing, and print the tables.

    Two scenes of 160x120 and two levels of [20], or with `full` eight of 320x240, or ten of Sintel, and all 17.
    """
    name = f"tables_2_4{'_sintel' if sintel else ''}{'' if full else '_quick'}"
    kept = Results(results or Path(f"experiments/results/{name}.json"), layout)
    levels = systems.ALL_LEVELS if full else systems.QUICK_LEVELS
    restoring: dict[str, System] = {
        "blurry": systems.blurry,
        "[20]": systems.predecessor(levels, SAMPLES if sintel is None else SINTEL_SAMPLES),
        "ours": systems.ours,
    }
    if sintel is None:
        restoring["exact"] = systems.exact
    matching: dict[str, System] = {
        "no motion": lambda clip: Restored(flow=np.zeros_like(clip.flow)),
        "[31]": lambda clip: Restored(flow=portz(gray(clip.blurry), clip.duty_cycle)),
        "[47]": lambda clip: Restored(flow=clip_flow(gray(clip.blurry), zach)),
        "[42]": lambda clip: Restored(flow=clip_flow(gray(clip.blurry), wedel)),
        SHARP: lambda clip: Restored(flow=clip_flow(gray(clip.sharp), zach)),  # where constancy of brightness holds
    }
    if sintel:
        clips = read(sintel, 10 if full else 1, 7 if full else 3)
    else:
        clips = rendered(8, 7, 240, 320) if full else rendered(2, 5, 120, 160)
    for clip in clips:
        systems.measure(kept, rows, clip.name, "scene", restoring | matching, lambda clip=clip: clip)
    print(kept.table())


if __name__ == "__main__":
    run(main)
