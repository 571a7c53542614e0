"""Figure 5: the likelihood of a defocus by local spectra [23], which motion misleads.

    python -m experiments.paper.figure_5

A patch is blurred by a Gaussian of 5 px, and by the same and a motion of 11 px. The page has the patches of the first
photograph and the curves of all, with dotted lines where they peak; the table has the peaks of many patches, which
should be at 5.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter, uniform_filter1d
from skimage import data

from experiments.baselines.zhu import patch_likelihood
from experiments.command import run
from experiments.paper.layout import with_remarks
from experiments.results import Results
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import photograph
from gvd_jax.view.figures import DPI, save

SIGMA, LENGTH = 5.0, 11  # pixels, as in the paper
SIZE = 61  # pixels, of the patch
SIGMAS = np.arange(0.5, 10.01, 0.25)
NOISE = 1 / 255 / np.sqrt(12)  # display values: of rounding to 8 bits
STEP = 40  # pixels between the patches of the table
PHOTOGRAPHS = {"motorcycle": (250, 330), "astronaut": (150, 250), "coffee": (200, 330), "brick": (256, 256)}
TEXTURE = 0.1  # display values: the standard deviation of a sharp patch that has something to tell
BLURS = ("defocus", "defocus and motion")
REMARKS = "The likelihood is that of [23] for a scene of 1/f^2 spectrum: see experiments/baselines."


def gray(name: str) -> HostArray:
    """A photograph [H, W] in [0, 1]."""
    pixels = data.brick()[..., None] / 255 if name == "brick" else photograph(name)
    return pixels.mean(-1)


def blurred(image: HostArray) -> dict[str, HostArray]:
    """Without blur, with the Gaussian, and with both, each rounded to 8 bits."""
    defocused = gaussian_filter(image, SIGMA)
    moved = uniform_filter1d(defocused, LENGTH, axis=1)
    blurs = {"sharp": image, "defocus": defocused, "defocus and motion": moved}
    return {name: np.round(frame * 255) / 255 for name, frame in blurs.items()}


def window(y: int, x: int) -> tuple[slice, slice]:
    """Rows and columns of the patch around a pixel."""
    return slice(y - SIZE // 2, y + SIZE // 2 + 1), slice(x - SIZE // 2, x + SIZE // 2 + 1)


def likeliest(frames: dict[str, HostArray]) -> dict[str, HostArray]:
    """The defocus that is likeliest at patches all over the frames, where there is texture, by blur."""
    height, width = frames["sharp"].shape
    places = [window(y, x) for y in range(SIZE, height - SIZE, STEP) for x in range(SIZE, width - SIZE, STEP)]
    places = [place for place in places if frames["sharp"][place].std() > TEXTURE]

    def peak(patch: HostArray) -> float:
        return SIGMAS[patch_likelihood(patch, SIGMAS, NOISE).argmax()]

    return {blur: np.array([peak(frames[blur][place]) for place in places]) for blur in BLURS}


def main(results: Path = Path("experiments/results/figure_5.json")) -> None:
    """Draw the page and print the table."""
    kept = Results(results, with_remarks(REMARKS))
    kept.add("truth", {f"{blur}: {what}": value for blur in BLURS for what, value in (("mean", SIGMA), ("RMSE", 0.0))})
    figure = Figure(figsize=(10, 7), dpi=DPI, layout="constrained")
    axes = figure.subplots(2, 4)
    for number, (name, place) in enumerate(PHOTOGRAPHS.items()):
        frames = blurred(gray(name))
        peaks = likeliest(frames)
        row = {f"{blur}: mean": round(float(found.mean()), 2) for blur, found in peaks.items()}
        row |= {f"{blur}: RMSE": round(float(np.sqrt(np.mean((p - SIGMA) ** 2))), 2) for blur, p in peaks.items()}
        kept.add(name, row | {"patches": len(peaks["defocus"])})
        patches = {blur: frame[window(*place)] for blur, frame in frames.items()}
        if number == 0:
            for axis, letter, (blur, patch) in zip(axes[0], "abc", patches.items(), strict=False):
                axis.imshow(patch, cmap="gray", vmin=0, vmax=1)
                axis.set_axis_off()
                axis.set_title(f"({letter}) {blur}", fontsize=9)
        panel = axes[1, number]
        for blur in BLURS:
            curve = patch_likelihood(patches[blur], SIGMAS, NOISE)
            (line,) = panel.plot(SIGMAS, (curve - curve.min()) / np.ptp(curve), label=blur)
            panel.axvline(SIGMAS[curve.argmax()], color=line.get_color(), linestyle=":")
        panel.axvline(SIGMA, color="gray", linewidth=0.8)
        panel.set(xlabel="defocus, pixels", yticks=[])
        panel.set_title(f"(d) {name}", fontsize=9)
    axes[0, 3].set_axis_off()
    axes[0, 3].legend(*axes[1, 0].get_legend_handles_labels(), loc="center", frameon=False, title="likelihood")
    save(figure, results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
