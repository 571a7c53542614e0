"""A clip restored window by window into a work folder, then joined."""

import dataclasses
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jax
import numpy as np

from gvd_jax.commands.maps import write_maps
from gvd_jax.errors import InputError
from gvd_jax.method.config import Config
from gvd_jax.progress import Hook, Progress
from gvd_jax.scale import plan
from gvd_jax.scale.hosts import Hosts
from gvd_jax.scale.job import Job, write_whole
from gvd_jax.scale.layout import SHORTEST, Budget, Layout
from gvd_jax.scale.run import Window, read_windows, restore_windows
from gvd_jax.scale.survey import Survey
from gvd_jax.scale.window import Restored, restore_block, restore_window
from gvd_jax.shapes import HostArray
from gvd_jax.video.codec import write_png
from gvd_jax.video.places import replacing
from gvd_jax.video.sink import Target, join_parts, write_part
from gvd_jax.video.source import Source, read_frames
from gvd_jax.view.colour import largest_defocus, largest_motion
from gvd_jax.view.page import FrameView, frame_section, report_page, stage_seconds, timings
from gvd_jax.view.report import chosen_frames, frames_note

PREVIEWED = (1 / 6, 1 / 2, 5 / 6)  # of the clip
PART, FACTS, SECTION = "part", "facts.json", "frame{}.html"


@dataclass(frozen=True)
class Outputs:
    """Where everything goes; `maps` and `report` may be None."""

    target: Target
    maps: Path | None
    report: Path | None


def identity(path: Path) -> str:
    """A number that changes with the input: names, sizes and times of its files."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def find_plan(
    job: Job,
    source: Source,
    duty_cycle: float | Literal["auto"],
    config: Config,
    budget: Budget,
    hosts: Hosts,
    say: Callable[[str], None],
) -> tuple[Survey, Layout]:
    """That of the job, made by the first host if it begins now; `say` tells which frames it looks at."""

    def read(start: int, stop: int) -> HostArray:
        say(f"looking at frames {start} to {stop - 1}")
        return np.stack(list(read_frames(source, start, stop)))

    if not hosts.first:
        hosts.wait_for([job.facts])
    if job.found is None:
        shape = source.count, source.height, source.width
        job.begin(plan.to_json(*plan.make_plan(read, shape, duty_cycle, config, budget)))
    assert job.found is not None
    return plan.from_json(job.found)


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
    shown = set(chosen_frames(source.count)) if outputs.report is not None else set()
    begun = missing[0].span.start
    frames = enumerate(read_frames(source, begun), begun)

    def emit(window: Window, blurry: Sequence[HostArray], restored: Restored) -> None:
        first = window.span.first
        full = _full_colour(survey, restored, config)

        def write(folder: Path) -> None:
            write_part(outputs.target, folder / PART, first, restored.latent)
            for k, frame in enumerate(blurry):
                if first + k in shown:
                    view = FrameView(
                        first + k,
                        frame,
                        restored.latent[k],
                        restored.flow[k],
                        restored.defocus[k],
                        restored.confidence[k],
                    )
                    write_whole(folder / SECTION.format(f"{first + k:06d}"), frame_section(view, *full))
            facts = {
                "duty_cycle": float(restored.duty_cycle.mean()),
                "full": full,
                "seconds": stage_seconds(restored.histories),
                "history": [dataclasses.asdict(step) for step in restored.histories[0]],
            }
            write_whole(folder / FACTS, json.dumps(facts))

        if outputs.maps is not None:
            write_maps(outputs.maps, restored.flow, restored.defocus, *full, first)
        job.finish_window(window.number, write)

    restore_windows(read_windows(frames, missing), len(missing), layout, survey, config, emit, hooks)


def _full_colour(survey: Survey, restored: Restored, config: Config) -> tuple[float, float]:
    """Pixels of motion and of defocus that full colour stands for: of the clip, not of a window, or colours jump."""
    if not survey.motion:
        return largest_motion(restored.flow), largest_defocus(restored.defocus)
    return max(1.0, survey.motion), max((1.0, *config.scales))


def preview_place(output: Path) -> Path:
    """Where the preview of an output is drawn."""
    return output.with_name(f"{output.name}.preview.png")


def preview(source: Source, survey: Survey, layout: Layout, config: Config, output: Path) -> None:
    """Restore three frames of the clip, each in a short window, and draw them, blurry at the left."""
    count, pairs = min(layout.frames, SHORTEST), []
    for place in PREVIEWED:
        number = int(place * source.count)
        start = max(0, min(number - count // 2, source.count - count))
        frames = list(read_frames(source, start, start + count))
        kept = slice(number - start, number - start + 1)
        restored = restore_window(frames, kept, layout, lambda block: restore_block(block, survey, config, ()))
        pairs.append(np.concatenate([frames[kept.start], restored.latent[0]], 1))
    place = preview_place(output)
    with replacing(place) as temporary:
        write_png(temporary, np.concatenate(pairs), 8)
    print(f"gvd-jax: see {place}: three frames, blurry and restored", file=sys.stderr)


@contextmanager
def failing_well(job: Job) -> Iterator[None]:
    """Whatever breaks off the run becomes one line, which says what is finished and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_finished(job)) from None
    except (InputError, OSError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{what}; {_finished(job)}") from error
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise InputError("out of memory: begin anew with --overwrite and a smaller --max-memory") from error


def _finished(job: Job) -> str:
    total = 0 if job.found is None else len(plan.from_json(job.found)[1].windows)
    done = sum(job.window(k).exists() for k in range(total))
    if done:
        return f"{done} of {total} windows are finished: go on with --resume"
    job.clear()
    return "nothing was finished, and nothing is written"


def join(job: Job, outputs: Outputs, layout: Layout, settings: Mapping[str, str]) -> float:
    """Join the windows, write the report, and remove the work folder; the duty cycle."""
    folders = [job.window(k) for k in range(len(layout.windows))]
    join_parts(outputs.target, [folder / PART for folder in folders])
    facts = [json.loads((folder / FACTS).read_text()) for folder in folders]
    duty_cycle = float(np.mean([own["duty_cycle"] for own in facts]))
    if outputs.report is not None:
        files = [file for folder in folders for file in sorted(folder.glob(SECTION.format("*")))]
        sections = [file.read_text(encoding="utf-8") for file in files]
        history = [Progress(**step) for step in facts[0]["history"]]
        seconds: Counter[str] = Counter()
        for own in facts:
            seconds.update(own["seconds"])
        parts = len(layout.windows) * layout.tiles
        notes = [frames_note(outputs.target.source.count)]
        notes += [f"The energy is that of the first of {parts} parts."] * (parts > 1)
        fastest, softest = facts[0]["full"]
        page = report_page(
            sections,
            history,
            {**settings, "duty_cycle": f"{duty_cycle:.3f}"},
            timings(seconds),
            fastest=fastest,
            softest=softest,
            note=" ".join(notes).strip(),
        )
        outputs.report.mkdir(parents=True, exist_ok=True)
        write_whole(outputs.report / "index.html", page)
    job.clear()
    return duty_cycle
