"""A page that shows a restoration while it runs and when it is done; it needs no network and no server."""

import dataclasses
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.errors import InputError
from gvd_jax.progress import Progress, stage_seconds
from gvd_jax.view.colour import largest_defocus, largest_motion
from gvd_jax.view.page import (
    SECONDS_BETWEEN_PAGES,
    FrameView,
    frame_section,
    report_page,
    running_page,
    timings,
)
from gvd_jax.view.shown import chosen_frames, frames_note

MOST_STEPS = 10_000  # that are remembered: of a long clip those of its last parts
PAGES = (".html", ".htm")


class Report:
    """A hook for `deblur`: called with each `Progress` it keeps one page up to date; `finish` completes it.

    `place` is the page itself if it ends in .html, else a folder for index.html; no other file is written. Raises
    `InputError` if the folder cannot be made.
    """

    def __init__(self, place: str | Path, settings: Mapping[str, str] | None = None) -> None:
        place = Path(place)
        self.page = place if place.suffix.lower() in PAGES else place / "index.html"
        self.settings = dict(settings or {})
        self.history: deque[Progress] = deque(maxlen=MOST_STEPS)
        self._written = -np.inf
        try:
            self.page.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make {place}: {error.strerror}; choose another place for the report") from error

    def __call__(self, progress: Progress) -> None:
        """Note one finished step; write the page anew at most every few seconds."""
        self.history.append(dataclasses.replace(progress, unknowns=None, info=None))
        if time.monotonic() - self._written < SECONDS_BETWEEN_PAGES:
            return
        write_page(self.page, running_page(progress, self.history, self.settings))
        self._written = time.monotonic()  # after the writing, so that it never takes most of the time

    def finish(
        self,
        blurry: ArrayLike,
        latent: ArrayLike,
        flow: ArrayLike,
        defocus: ArrayLike,
        confidence: ArrayLike,
        settings: Mapping[str, str],
        truth: ArrayLike | None = None,
    ) -> None:
        """Write the whole page: frames of `blurry` and `latent` [T, H, W, C] (and `truth`), maps, energy, timings.

        `flow` is [T, 2, H, W, 2] and `defocus` [T, H, W], both in pixels, `confidence` [T, H, W] in [0, 1]; `settings`
        are listed as they are. Of a long clip only `chosen_frames` are shown.
        """
        flow, defocus = np.asarray(flow), np.asarray(defocus)
        clips = [np.asarray(clip) for clip in (blurry, latent, flow, defocus, confidence)]
        clips += [] if truth is None else [np.asarray(truth)]
        fastest, softest = largest_motion(flow), largest_defocus(defocus)
        chosen = chosen_frames(len(flow))
        sections = [frame_section(FrameView(k, *(clip[k] for clip in clips)), fastest, softest) for k in chosen]
        page = report_page(
            sections,
            list(self.history),
            settings,
            timings(stage_seconds([list(self.history)])),
            fastest=fastest,
            softest=softest,
            note=frames_note(len(flow)),
        )
        write_page(self.page, page)


@contextmanager
def live_page(place: str | Path, settings: Mapping[str, str]) -> Iterator[list[Report]]:
    """The hook that keeps a page at this place up to date. A run that breaks off leaves no page behind, which would
    wait for it."""
    report = Report(place, settings)
    try:
        yield [report]
    except BaseException:
        report.page.unlink(missing_ok=True)
        raise


def write_page(path: Path, page: str) -> None:
    """Write a page; who looks at `path` never sees half of it."""
    temporary = path.with_name(f".{path.name}")
    page = page.encode("utf-8", "backslashreplace").decode()  # names of files may hold bytes that are no letters
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(path)
