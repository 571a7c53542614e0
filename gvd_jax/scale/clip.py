"""A clip of any length, restored window by window into a work folder, then joined."""

import dataclasses
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.method.config import Config
from gvd_jax.method.inputs import check_flow
from gvd_jax.progress import Hook, Progress
from gvd_jax.scale import prepare
from gvd_jax.scale.hosts import Hosts, join_hosts
from gvd_jax.scale.job import Job, check_unfinished, open_job, write_whole
from gvd_jax.scale.layout import SHORTEST, Budget, Layout
from gvd_jax.scale.maps import write_maps
from gvd_jax.scale.memory import budget
from gvd_jax.scale.outputs import check_outputs
from gvd_jax.scale.run import Window, read_windows, restore_windows
from gvd_jax.scale.spans import Span
from gvd_jax.scale.survey import Survey
from gvd_jax.scale.window import Restored, restore_block, restore_window
from gvd_jax.shapes import HostArray
from gvd_jax.video.codec import write_png
from gvd_jax.video.places import check_free, replacing
from gvd_jax.video.sink import Target, join_parts, open_target, write_part
from gvd_jax.video.source import Source, cropped, open_source, read_frames
from gvd_jax.view.colour import largest_defocus, largest_motion
from gvd_jax.view.page import FrameView, frame_section, report_page, stage_seconds, timings
from gvd_jax.view.report import Report, chosen_frames, frames_note

GIB = 2**30
PREVIEWED = (1 / 6, 1 / 2, 5 / 6)  # of the clip
PART, FACTS, SECTION = "part", "facts.json", "frame{}.html"


@dataclass(frozen=True)
class RestoredVideo:
    """What `deblur_video` has written to `path`: so many `frames` of a size in pixels, in so many `seconds`.

    `unknowns` holds those that are not known per row and column, such as a gain [T, 2], by their names; what belongs to
    the clip is the mean over its windows. `duty_cycle` is the mean over all frames.
    """

    path: Path
    frames: int
    height: int
    width: int
    duty_cycle: float
    seconds: float
    unknowns: dict[str, HostArray]


@dataclass(frozen=True)
class Outputs:
    """Where everything goes; `maps` and `report` may be None."""

    target: Target
    maps: Path | None
    report: Path | None


def say_nothing(what: str) -> None:
    """For who does not want to know."""


def deblur_video(
    source: str | Path,
    target: str | Path,
    config: Config | None = None,
    duty_cycle: float | Literal["auto"] = "auto",
    *,
    flow: Any = None,
    frames: slice | None = None,
    crop: tuple[slice, slice] | None = None,
    max_memory: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: str | Path | None = None,
    maps: str | Path | None = None,
    preview: bool = False,
    hosts: str | None = None,
    hooks: Sequence[Hook] = (),
    settings: Mapping[str, str] | None = None,
    say: Callable[[str], None] = say_nothing,
) -> RestoredVideo | None:
    """Restore a video file or a folder of images, of any length, into another one; sound and frame times are kept.

    The clip is cut to windows of frames, and tiles if need be, that fit into `max_memory` GB (by default most of what
    is free). What terms, operators and stages of `config` hold per pixel or frame follows, as they declare by `held`;
    so does `flow` [T, 2, H, W, 2] of the whole clip, as for `deblur`. `frames` and `crop` (rows, columns) take only a
    part. Finished windows are kept in a folder beside the output: `resume` goes on with a run that broke off, of the
    same input and settings. Nothing is overwritten unless `overwrite` says so.

    `report` is a folder for a page that shows the run, `maps` one for flow and defocus as files; `preview` first draws
    three restored frames into TARGET.preview.png. `hooks` are called with a `Progress` after every step, `say` with a
    line now and then, `settings` are listed in the report and must be the same when a run goes on. `hosts` shares the
    work between machines; all but the first get None. Raises `InputError` for whatever cannot be worked with.
    """
    config = Config.default() if config is None else config
    source, target = Path(source), Path(target)
    outputs = [None if folder is None else Path(folder) for folder in (maps, report)]
    _check_places(source, target, [folder for folder in outputs if folder is not None], preview, resume, overwrite)
    clip = open_source(source, frames)
    clip = clip if crop is None else cropped(clip, *crop)
    if clip.count < 2:
        raise InputError(f"{source} has 1 frame, which shows no motion; give at least 2 consecutive frames")
    if flow is not None:
        config = config.with_flow(check_flow(flow, (clip.count, clip.height, clip.width)))
    written = Outputs(open_target(target, clip, overwrite), *outputs)
    together = join_hosts(hosts)
    listed = dict(settings or {})
    asked = listed | {"input_files": identity(source), "config": fingerprint(config)}
    job = open_job(target, asked, resume or not together.first, overwrite)
    together.meet("the job is open")
    for note in written.target.notes if together.first else ():
        say(note)
    start = time.monotonic()
    memory = budget(None if max_memory is None else max_memory * GIB, clip.channels)
    with failing_well(job):
        survey, layout = find_layout(job, clip, duty_cycle, config, memory, together, say)
        if preview and together.first:
            say("restoring three frames for the preview")
            say(f"see {draw_preview(clip, survey, layout, config, target)}: three frames, blurry and restored")
        own = [Report(written.report, listed)] if written.report is not None and together.first else []
        restore_clip(job, clip, written, survey, layout, config, together, [*hooks, *own])
        if not together.first:
            return None
        together.wait_for([job.window(k) for k in range(len(layout.windows))])
        tau, unknowns = join(job, written, layout, config, listed)
    seconds = time.monotonic() - start
    return RestoredVideo(target, clip.count, clip.height, clip.width, tau, seconds, unknowns)


def _check_places(
    source: Path, target: Path, folders: list[Path], preview: bool, resume: bool, overwrite: bool
) -> None:
    """Raise `InputError` for what may not be written, before the input is looked through."""
    unfinished = check_unfinished(target, resume, overwrite)
    goes_on = resume and unfinished.exists()  # then the folders hold what is finished
    check_outputs([source], [target], folders, overwrite or goes_on)
    if preview:
        check_free(preview_place(target), overwrite or goes_on)


def identity(path: Path) -> str:
    """A number that changes with the input: names, sizes and times of its files."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def fingerprint(config: Config) -> str:
    """A number that changes with the settings: all values, and the names of what is code."""
    leaves, structure = jax.tree.flatten(config)
    code = re.sub(r" at 0x[0-9a-f]+", "", str(structure))
    digest = hashlib.sha256(code.encode())
    for leaf in leaves:
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()[:16]


def find_layout(
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
        job.begin(prepare.to_json(*prepare.prepare(read, shape, duty_cycle, config, budget)))
    assert job.found is not None
    return prepare.from_json(job.found)


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
    small = [unknown.name for unknown in config.unknowns if not {"H", "W"} & set(unknown.axes.split())]

    def emit(window: Window, blurry: Sequence[HostArray], restored: Restored) -> None:
        first = window.span.first
        full = _full_colour(survey, restored, config)

        def write(folder: Path) -> None:
            write_part(outputs.target, folder / PART, first, restored["latent"])
            shown_here = ("latent", "flow", "defocus", "confidence")
            for k, frame in enumerate(blurry):
                if first + k in shown:
                    view = FrameView(first + k, frame, *(restored[name][k] for name in shown_here))
                    write_whole(folder / SECTION.format(f"{first + k:06d}"), frame_section(view, *full))
            facts = {
                "duty_cycle": float(restored["duty_cycle"].mean()),
                "unknowns": {name: restored[name].tolist() for name in small if name in restored.values},
                "full": full,
                "seconds": stage_seconds(restored.histories),
                "history": [dataclasses.asdict(step) for step in restored.histories[0]],
            }
            write_whole(folder / FACTS, json.dumps(facts))

        if outputs.maps is not None:
            write_maps(outputs.maps, restored["flow"], restored["defocus"], *full, first)
        job.finish_window(window.number, write)

    restore_windows(read_windows(frames, missing), len(missing), layout, survey, config, emit, hooks)


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
    count, pairs = min(layout.frames, SHORTEST), []
    for place in PREVIEWED:
        number = int(place * source.count)
        start = max(0, min(number - count // 2, source.count - count))
        frames = list(read_frames(source, start, start + count))
        span = Span(start, start + count, number, number + 1)
        restored = restore_window(
            frames, span, layout, config, lambda block, own: restore_block(block, survey, own, ())
        )
        pairs.append(np.concatenate([frames[number - start], restored["latent"][0]], 1))
    place = preview_place(output)
    with replacing(place) as temporary:
        write_png(temporary, np.concatenate(pairs), 8)
    return place


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
    total = 0 if job.found is None else len(prepare.from_json(job.found)[1].windows)
    done = sum(job.window(k).exists() for k in range(total))
    if done:
        return f"{done} of {total} windows are finished: go on with --resume"
    job.clear()
    return "nothing was finished, and nothing is written"


def join(
    job: Job, outputs: Outputs, layout: Layout, config: Config, settings: Mapping[str, str]
) -> tuple[float, dict[str, HostArray]]:
    """Join the windows, write the report, and remove the work folder; the duty cycle, and unknowns that are no maps."""
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
    return duty_cycle, _joined(facts, config)


def _joined(facts: list[dict[str, Any]], config: Config) -> dict[str, HostArray]:
    """The unknowns of all windows, one after the other if every frame has its own, else their mean."""
    declared, found = {unknown.name: unknown for unknown in config.unknowns}, {}
    for name in facts[0]["unknowns"]:
        parts = [np.array(own["unknowns"][name], np.float32) for own in facts]
        found[name] = np.concatenate(parts) if declared[name].per_frame else np.mean(parts, 0, dtype=np.float32)
    return found
