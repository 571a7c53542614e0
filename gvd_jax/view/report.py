"""A page that shows a restoration while it runs and when it is done; it needs no network and no server."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gvd_jax.errors import InputError
from gvd_jax.progress import Progress
from gvd_jax.view.colour import flow_colours, largest_motion
from gvd_jax.view.figures import before_after, energy_curve, save
from gvd_jax.view.maps import DIRECTIONS, draw_maps

SECONDS_BETWEEN_DRAWINGS = 5.0

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">{refresh}<title>gvd-jax: {title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em; color: #222 }}
img {{ max-width: 100%; vertical-align: top }}
figure {{ display: inline-block; margin: 0 1em 1em 0; max-width: 380px }}
table {{ border-collapse: collapse }} td, th {{ padding: .2em 1em .2em 0; text-align: left }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


class Report:
    """A hook for `deblur`: called with each `Progress` it keeps DIRECTORY/index.html up to date; `finish` completes it.

    Raises `InputError` if the directory cannot be made.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.history: list[Progress] = []
        self._drawn = -np.inf
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot make {directory}: {error.strerror}; choose another place for the report"
            ) from error

    def __call__(self, progress: Progress) -> None:
        """Note one finished step; redraw the curve and the middle frame at most every few seconds."""
        self.history.append(dataclasses.replace(progress, unknowns=None))
        if time.monotonic() - self._drawn < SECONDS_BETWEEN_DRAWINGS:
            return
        save(energy_curve(self.history), self.directory / "energy.png")
        parts = [_line(progress), _picture("energy.png")]
        if progress.unknowns is not None:
            save(_middle(progress.unknowns), self.directory / "now.png")
            parts.append(_picture("now.png"))
        self._write("running", parts, '<meta http-equiv="refresh" content="5">')
        self._drawn = time.monotonic()  # after the drawing, so that it never takes most of the time

    def finish(
        self,
        blurry: ArrayLike,
        latent: ArrayLike,
        flow: ArrayLike,
        defocus: ArrayLike,
        settings: Mapping[str, str],
        truth: ArrayLike | None = None,
    ) -> None:
        """Write the whole page: every frame of `blurry` and `latent` [T, H, W, C] (and `truth`), maps, energy, timings.

        `flow` is [T, 2, H, W, 2] and `defocus` [T, H, W], both in pixels; `settings` are listed as they are.
        """
        clips = {"blurry": np.asarray(blurry), "restored": np.asarray(latent)}
        clips |= {} if truth is None else {"truth": np.asarray(truth)}
        (self.directory / "maps").mkdir(exist_ok=True)
        draw_maps(self.directory / "maps", flow, defocus)
        save(energy_curve(self.history), self.directory / "energy.png")
        parts = [_table(list(settings.items())), "<h2>Frames</h2>"]
        for k in range(len(clips["blurry"])):
            name = f"frame_{k:05d}.png"
            save(before_after({f"{label}, frame {k}": clip[k] for label, clip in clips.items()}), self.directory / name)
            flows = [_picture(f"maps/flow_{k:05d}_{way}.png", f"flow, {way}") for way in DIRECTIONS]
            parts += [_picture(name), "<p></p>", *flows, _picture(f"maps/defocus_{k:05d}.png", "defocus")]
        parts += ["<h2>Colours of the maps</h2>", _picture("maps/legend.png")]
        parts += ["<h2>Energy</h2>", _picture("energy.png"), "<h2>Seconds</h2>", _table(_timings(self.history))]
        self._write("restored", parts, "")
        (self.directory / "now.png").unlink(missing_ok=True)

    def _write(self, title: str, parts: Sequence[str], refresh: str) -> None:
        temporary = self.directory / ".index.html"
        temporary.write_text(PAGE.format(title=title, body="\n".join(parts), refresh=refresh), encoding="utf-8")
        temporary.replace(self.directory / "index.html")


def _middle(unknowns: Any) -> Figure:
    """The middle frame of this level and its motion, enlarged if the level is small."""
    middle = len(unknowns.latent) // 2
    latent, flow = np.asarray(unknowns.latent[middle]), np.asarray(unknowns.flow[middle, 0])
    pictures = {"middle frame": latent, "motion": flow_colours(flow, largest_motion(flow)) / 255}
    scale = max(1, 320 // latent.shape[1])
    return before_after({label: picture.repeat(scale, 0).repeat(scale, 1) for label, picture in pictures.items()})


def _line(progress: Progress) -> str:
    height, width = progress.shape
    level = f"level {progress.level + 1} of {progress.levels}, {width}x{height}"
    return f"<p>{progress.fraction:.0%} done after {progress.seconds:.0f} s: {escape(progress.stage)}, {level}</p>"


def _picture(source: str, caption: str = "") -> str:
    image = f'<img src="{source}" alt="{caption}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>" if caption else image


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _timings(history: Sequence[Progress]) -> list[tuple[str, str]]:
    """Seconds spent on each stage of each level, in the order in which they first ran."""
    spent: dict[str, float] = {}
    before = 0.0
    for progress in history:
        height, width = progress.shape
        name = f"{progress.stage}, level {progress.level + 1} of {progress.levels} ({width}x{height})"
        spent[name] = spent.get(name, 0.0) + progress.seconds - before
        before = progress.seconds
    return [(name, f"{seconds:.1f}") for name, seconds in spent.items()] + [("all", f"{before:.1f}")]
