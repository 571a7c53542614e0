"""Figures 16 and 17: flow and defocus of a clip with both blurs, and the temporal term switched off.

    python -m experiments.paper.figures_16_17

The flow is compared with that of Portz et al. [31] and TV-L1 [47], the map with just noticeable defocus [32].
"""

from pathlib import Path

import numpy as np

from experiments.baselines import just_noticeable
from experiments.baselines.portz import portz
from experiments.baselines.tv_l1 import clip_flow, zach
from experiments.clips import TrueClip, of_rendered
from experiments.command import run
from experiments.paper.layout import with_remarks
from experiments.paper.pages import enlarged, page
from experiments.paper.scenes import scene
from experiments.paper.systems import Restored, System, blurry, exact, gray, ours, scores, without_temporal_term
from experiments.results import Results
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import photograph
from gvd_jax.video.synthesize import render
from gvd_jax.view.colour import defocus_colours, flow_colours, largest_motion
from gvd_jax.view.figures import save

FRAMES, HEIGHT, WIDTH = 5, 240, 320
MIDDLE = FRAMES // 2
NUMBER = 88  # of the scene
DEFOCUS = (1.8, 0.4)  # pixels, of the background and of what moves before it
LARGEST = 3.0  # pixels: the brightest colour of a map
LEARNED_FROM = ("astronaut", "coffee")  # photographs that are not in the scene
WINDOW, ZOOM = (slice(60, 140), slice(30, 136)), 3  # of the detail of Fig. 17
REMARKS = "[31], [32] and [47] are weaker than their authors', or may be: see experiments/baselines."


def just_noticeable_maps(clip: TrueClip) -> Restored:
    """[32], frame by frame."""
    dictionary = just_noticeable.learn_dictionary([photograph(name) for name in LEARNED_FROM])
    return Restored(defocus=np.stack([just_noticeable.defocus_map(frame, dictionary) for frame in clip.blurry]))


def main(results: Path = Path("experiments/results/figures_16_17.json")) -> None:
    """Draw the page and print the table."""
    kept = Results(results, with_remarks(REMARKS))
    layers = scene(NUMBER, FRAMES, HEIGHT, WIDTH)
    clip = of_rendered("figure 16", render(layers, FRAMES, HEIGHT, WIDTH, 0.45, DEFOCUS))
    systems: dict[str, System] = {
        "blurry": blurry,
        "[47]": lambda clip: Restored(flow=clip_flow(gray(clip.blurry), zach)),
        "[31]": lambda clip: Restored(flow=portz(gray(clip.blurry), clip.duty_cycle)),
        "[32]": just_noticeable_maps,
        "without Eq. (5)": without_temporal_term,
        "ours": ours,
        "exact": exact,
    }
    found = {name: system(clip) for name, system in systems.items()}
    for name, restored in found.items():
        kept.add(name, scores(clip, restored))
    save(page(_rows(clip, found)), results.with_suffix(".png"))
    print(kept.table())


def _rows(clip: TrueClip, found: dict[str, Restored]) -> list[dict[str, HostArray]]:
    """Flows, maps, and latent frames with and without the temporal term."""
    fastest = largest_motion(clip.flow[MIDDLE])
    flows = {name: r.flow[MIDDLE, 0] for name, r in found.items() if r.flow is not None and "Eq" not in name}
    maps = {name: r.defocus[MIDDLE] for name, r in found.items() if r.defocus is not None and "Eq" not in name}
    flows["truth"], maps["truth"] = clip.flow[MIDDLE, 0], clip.defocus[MIDDLE]
    frames = {name: r.latent[MIDDLE] for name, r in found.items() if r.latent is not None and name != "exact"}
    frames["truth"] = clip.sharp[MIDDLE]
    return [
        {"blurry": clip.blurry[MIDDLE]}
        | {f"flow, {name}": flow_colours(flow, fastest) for name, flow in flows.items()},
        {f"defocus, {name}": defocus_colours(sigma, LARGEST) for name, sigma in maps.items()},
        {f"latent, {name}": frame for name, frame in frames.items()},
        {f"detail, {name}": enlarged(frame, WINDOW, ZOOM) for name, frame in frames.items()},
    ]


if __name__ == "__main__":
    run(main)
