"""Windows of a clip, restored and written into the work folder of a job, then joined."""

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gvd_jax.method.config import Config
from gvd_jax.method.deblur import Result
from gvd_jax.method.timeline import Timeline, plain_timeline
from gvd_jax.progress import Hook, Progress, stage_seconds
from gvd_jax.scale.findings import Findings, exposure_notes, findings_of, mean_of
from gvd_jax.scale.hosts import Hosts
from gvd_jax.scale.job import Job, write_whole
from gvd_jax.scale.layout import SHORTEST, Layout
from gvd_jax.scale.run import Window, read_windows, restore_windows
from gvd_jax.scale.spans import Span
from gvd_jax.scale.survey import Survey
from gvd_jax.scale.window import Restored, restore_block, restore_window
from gvd_jax.shapes import HostArray
from gvd_jax.video.codec import write_png
from gvd_jax.video.places import replacing
from gvd_jax.video.sink import Target, join_parts, write_part
from gvd_jax.video.source import Source, read_frames
from gvd_jax.view.colour import largest_defocus, largest_motion
from gvd_jax.view.shown import chosen_frames, frames_note

PREVIEWED = (1 / 6, 1 / 2, 5 / 6)  # of the clip
PART, FACTS, SECTION = "part", "facts.json", "frame{}.html"


@dataclass(frozen=True)
class Outputs:
    """Where everything goes; `maps` and `report` may be None."""

    target: Target
    maps: Path | None
    report: Path | None


def restore_clip(
    job: Job,
    source: Source,
    outputs: Outputs,
    survey: Survey,
    layout: Layout,
    config: Config,
    hosts: Hosts,
    hooks: Sequence[Hook],
) -> None:
    """Restore this host's windows that are not finished."""
    windows = [Window(k, span) for k, span in enumerate(layout.windows)]
    missing = [w for w in windows if w.number % hosts.count == hosts.number and not job.window(w.number).exists()]
    if not missing:
        return
    timeline = timeline_of(survey, source)
    chosen = chosen_frames(source.count) if outputs.report is not None else ()
    shown = {timeline.picture_at(number) for number in chosen}
    begun = missing[0].span.start
    frames = enumerate(read_pictures(source, timeline, begun, timeline.pictures), begun)
    small = [unknown.name for unknown in config.unknowns if not {"H", "W"} <= set(unknown.axes.split())]

    def emit(window: Window, blurry: Sequence[HostArray], restored: Restored) -> None:
        first, last = window.span.first, window.span.last
        start, _ = timeline.frames_of(first, last)
        times = timeline.shown[first:last]
        full = _full_colour(survey, restored, config)

        def write(folder: Path) -> None:
            write_part(outputs.target, folder / PART, start, np.repeat(restored["latent"], times, 0))
            for k, frame in enumerate(blurry):
                if first + k in shown:
                    _write_section(folder, timeline.starts[first + k], frame, restored, k, full)
            facts = {
                "findings": dataclasses.asdict(findings_of(restored)),
                "unknowns": {name: restored[name].tolist() for name in small if name in restored.values},
                "full": full,
                "continues": [share > 0.5 for share in restored["continues"].tolist()],
                "exposure": restored["camera exposure"].tolist(),
                "seconds": stage_seconds(restored.histories),
                "history": [dataclasses.asdict(step) for step in restored.histories[0]],
            }
            write_whole(folder / FACTS, json.dumps(facts))

        if outputs.maps is not None:
            from gvd_jax.scale.maps import write_maps  # what draws is loaded where something is drawn

            flow, defocus = (np.repeat(restored[name], times, 0) for name in ("flow", "defocus"))
            write_maps(outputs.maps, flow, defocus, *full, start)
        job.finish_window(window.number, write)

    restore_windows(read_windows(frames, missing), len(missing), layout, survey, config, emit, hooks)


def _write_section(
    folder: Path, number: int, blurry: HostArray, restored: Restored, k: int, full: tuple[float, float]
) -> None:
    """The part of the report on a frame, which is restored as picture `k`."""
    from gvd_jax.view.page import FrameView, frame_section

    shown = (restored[name][k] for name in ("latent", "flow", "defocus", "confidence"))
    write_whole(folder / SECTION.format(f"{number:06d}"), frame_section(FrameView(number, blurry, *shown), *full))


def timeline_of(survey: Survey, source: Source) -> Timeline:
    """The distinct pictures of the clip."""
    return plain_timeline(source.count) if survey.timeline is None else survey.timeline


def read_pictures(source: Source, timeline: Timeline, first: int, last: int) -> Iterator[HostArray]:
    """The distinct pictures from `first` up to `last`, [H, W, C]."""
    start, stop = timeline.frames_of(first, last)
    wanted = set(timeline.starts[first:last])
    return (frame for k, frame in enumerate(read_frames(source, start, stop), start) if k in wanted)


def _full_colour(survey: Survey, restored: Restored, config: Config) -> tuple[float, float]:
    """Pixels of motion and of defocus that full colour stands for: of the clip, not of a window, or colours jump."""
    if not survey.motion:
        return largest_motion(restored["flow"]), largest_defocus(restored["defocus"])
    widest = next((float(unknown.upper) for unknown in config.unknowns if unknown.name == "defocus"), 1.0)
    return max(1.0, survey.motion), widest


def preview_place(output: Path) -> Path:
    """Where the preview of an output is drawn."""
    return output.with_name(f"{output.name}.preview.png")


def draw_preview(source: Source, survey: Survey, layout: Layout, config: Config, output: Path) -> Path:
    """Restore three frames of the clip, each in a short window, and draw them, blurry at the left."""
    timeline = timeline_of(survey, source)
    count, pairs = min(layout.frames, SHORTEST), []
    for place in PREVIEWED:
        number = timeline.picture_at(int(place * source.count))
        start = max(0, min(number - count // 2, timeline.pictures - count))
        frames = list(read_pictures(source, timeline, start, start + count))
        span = Span(start, start + count, number, number + 1)
        restored = restore_window(
            frames,
            span,
            layout,
            config,
            partial(_restore, survey, start),
        )
        pairs.append(np.concatenate([frames[number - start], restored["latent"][0]], 1))
    place = preview_place(output)
    with replacing(place) as temporary:
        write_png(temporary, np.concatenate(pairs), 8)
    return place


def _restore(survey: Survey, first: int, block: HostArray, config: Config) -> Result:
    return restore_block(block, survey, config, (), first)


def join(
    job: Job, outputs: Outputs, survey: Survey, layout: Layout, config: Config, settings: Mapping[str, str]
) -> tuple[Findings, list[str], dict[str, HostArray]]:
    """Join the windows, write the report, and remove the work folder; what was found, a line for all that is out of the
    ordinary, and the unknowns that are no maps."""
    folders = [job.window(k) for k in range(len(layout.windows))]
    join_parts(outputs.target, [folder / PART for folder in folders])
    facts = [json.loads((folder / FACTS).read_text()) for folder in folders]
    found = mean_of([Findings(**own["findings"]) for own in facts])
    linked = tuple(itertools.chain(*(own["continues"] for own in facts)))
    timeline = dataclasses.replace(timeline_of(survey, outputs.target.source), continues=linked)
    exposures = np.concatenate([own["exposure"] for own in facts])
    notes = [*timeline.notes(), *exposure_notes(exposures, timeline.starts, timeline.continues), *found.notes()]
    if outputs.report is not None:
        parts = len(layout.windows) * layout.tiles
        whole = [f"The energy is that of the first of {parts} parts."] * (parts > 1)
        lines = [frames_note(outputs.target.source.count), *notes, *whole]
        _write_report(outputs.report, folders, facts, {**settings, **found.lines()}, " ".join(filter(None, lines)))
    job.clear()
    return found, notes, _joined(facts, config, timeline)


def _write_report(
    place: Path, folders: Sequence[Path], facts: list[dict[str, Any]], settings: Mapping[str, str], note: str
) -> None:
    """Join the parts of the windows to a page."""
    from gvd_jax.view.page import report_page, timings

    files = [file for folder in folders for file in sorted(folder.glob(SECTION.format("*")))]
    sections = [file.read_text(encoding="utf-8") for file in files]
    history = [Progress(**step) for step in facts[0]["history"]]
    seconds: Counter[str] = Counter()
    for own in facts:
        seconds.update(own["seconds"])
    fastest, softest = facts[0]["full"]
    spent = timings(seconds)
    page = report_page(sections, history, settings, spent, fastest=fastest, softest=softest, note=note)
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / "index.html", page)


def _joined(facts: list[dict[str, Any]], config: Config, timeline: Timeline) -> dict[str, HostArray]:
    """The unknowns of all windows, one after the other if every frame has its own, else their mean."""
    declared, found = {unknown.name: unknown for unknown in config.unknowns}, {}
    for name in facts[0]["unknowns"]:
        parts = [np.array(own["unknowns"][name], np.float32) for own in facts]
        if declared[name].per_frame:
            found[name] = np.repeat(np.concatenate(parts), timeline.shown, 0)
        else:
            found[name] = np.mean(parts, 0, dtype=np.float32)
    return found
