"""How the subproblems went: every number that the solver hands out, in one figure."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gvd_jax.progress import Progress
from gvd_jax.shapes import HostArray
from gvd_jax.view.figures import DPI

SHADES = {"residual": "black", "mean": "black", "least": "silver"}  # of what is no term


def solver_curves(history: Sequence[Progress]) -> Figure:
    """Energies, residuals, accepted steps and saturated duals of every subproblem in the `history` of a result.

    A column of the grid is a stage: a block on a level. Energies are weighted terms per pixel of the level, before each
    linearisation and after the last; the residual is that of `pdhg.Solution` per pixel, for each iteration; the step is
    how far frames went towards the solution of the convex model, on average and at least; the last panel shows what
    share of the duals of a term is at its bound. Of a stage in colour, the mean over the channels.
    """
    stages = [progress for progress in history if progress.info is not None]
    figure = Figure(figsize=(max(8.0, 1.1 * len(stages)), 9), dpi=DPI, layout="constrained")
    panels: list[tuple[str, Callable[[Progress], dict[str, HostArray]], bool]] = [
        ("energy per pixel", _energies, True),
        ("residual per pixel", _residuals, True),
        ("accepted step", _lengths, False),
        ("saturated duals", _saturated, False),
    ]
    grid = figure.subplots(len(panels), 1, sharex=True)
    terms = dict.fromkeys(name for stage in stages for name in stage.info.before)
    colours = {name: f"C{k % 10}" for k, name in enumerate(terms)}  # a term has one in every panel
    for axes, (label, read, logarithmic) in zip(grid, panels, strict=True):
        _draw(axes, [read(stage) for stage in stages], colours)
        axes.set_ylabel(label)
        if logarithmic:
            axes.set_yscale("log")
        else:
            axes.set_ylim(-0.05, 1.05)
    names = [f"{stage.stage}\n{stage.shape[1]}x{stage.shape[0]}" for stage in stages]
    grid[-1].set_xticks(np.arange(len(stages)) + 0.5, names, fontsize=8)
    return figure


def _draw(axes: Axes, stages: list[dict[str, HostArray]], colours: dict[str, str]) -> None:
    """Each curve of a name in one colour, from stage to stage, every stage one unit wide."""
    names = dict.fromkeys(name for curves in stages for name in curves)
    for number, curves in enumerate(stages):
        axes.axvline(number, color="lightgray", linewidth=0.8)
        for name, values in curves.items():
            x = number + 0.1 + 0.8 * (np.arange(len(values)) + 0.5) / len(values)
            axes.plot(x, values, color=colours.get(name, SHADES.get(name)), marker="o", markersize=3, linewidth=1)
    for name in names:
        axes.plot([], [], color=colours.get(name, SHADES.get(name)), label=name)
    axes.set_xlim(0, len(stages))
    if len(names) > 1:
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def _over_channels(values: Any, axes: int) -> HostArray:
    """The mean over the channels, which a stage in colour has in front of the other `axes`."""
    values = np.asarray(values)
    return values.mean(0) if values.ndim > axes else values


def _energies(stage: Progress) -> dict[str, HostArray]:
    def course(name: str) -> HostArray:
        before, after = (_over_channels(terms[name], 1) for terms in (stage.info.before, stage.info.after))
        return np.append(before, after[-1:]) / np.prod(stage.shape)

    return {name: course(name) for name in stage.info.before}


def _residuals(stage: Progress) -> dict[str, HostArray]:
    return {"residual": _over_channels(stage.info.residual, 2).ravel() / np.prod(stage.shape)}


def _lengths(stage: Progress) -> dict[str, HostArray]:
    lengths = _over_channels(stage.info.length, 2)
    return {"mean": lengths.mean(1), "least": lengths.min(1)}


def _saturated(stage: Progress) -> dict[str, HostArray]:
    return {name: _over_channels(share, 1) for name, share in stage.info.saturated.items()}
