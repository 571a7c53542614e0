"""A clip of any length, restored window by window into a work folder, then joined."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.method.config import Config
from gvd_jax.method.inputs import check_duty_cycle, check_flow, check_held
from gvd_jax.method.pictures import between_pictures, pictures_of
from gvd_jax.method.timeline import find_timeline
from gvd_jax.progress import Hook
from gvd_jax.scale import prepare
from gvd_jax.scale.findings import Findings
from gvd_jax.scale.hosts import Hosts, join_hosts
from gvd_jax.scale.job import Job, check_unfinished, open_job
from gvd_jax.scale.layout import Budget, Layout
from gvd_jax.scale.memory import budget
from gvd_jax.scale.outputs import check_outputs
from gvd_jax.scale.survey import Survey
from gvd_jax.scale.window import AXES
from gvd_jax.scale.write import Outputs, draw_preview, join, preview_place, read_pictures, restore_clip, timeline_of
from gvd_jax.shapes import HostArray
from gvd_jax.video.combs import check_combs
from gvd_jax.video.places import check_free, real
from gvd_jax.video.shutter import is_of_shutter, stated_shutter
from gvd_jax.video.sink import open_target
from gvd_jax.video.source import Source, cropped, open_source, read_frames

GIB = 2**30
MANY = 100  # frames: fewer are looked through before anybody wonders


@dataclass(frozen=True)
class RestoredVideo:
    """What `deblur_video` has written to `path`: so many `frames` of a size in pixels, in so many `seconds`.

    `unknowns` holds those that are not known per row and column, such as a gain [T, 2], by their names; what belongs to
    the clip is the mean over its windows. `found` is what was found of the camera and of defocus; a host that is not
    the first does not know it. `notes` are the lines that `deblur_video` told of the clip.
    """

    path: Path
    frames: int
    height: int
    width: int
    found: Findings | None
    seconds: float
    unknowns: dict[str, HostArray]
    notes: tuple[str, ...] = ()


def say_nothing(what: str) -> None:
    """For who does not want to know."""


def deblur_video(
    source: str | Path,
    target: str | Path,
    config: Config | None = None,
    duty_cycle: float | Literal["auto"] | None = None,
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
    note: Callable[[str], None] = say_nothing,
) -> RestoredVideo:
    """Restore a video file or a folder of images, of any length, into another one; sound and frame times are kept.

    `duty_cycle` is tau, as for `deblur`, "auto" finds it; None takes what the file says of its shutter, if anything.
    The clip is cut to windows of frames, and tiles if need be, that fit into `max_memory` GB (by default most of what
    is free). What terms, operators and stages of `config` hold per pixel or frame follows, as they declare by `held`;
    so does `flow` [T, 2, H, W, 2] of the whole clip, as for `deblur`. `frames` and `crop` (rows, columns) take only a
    part. Finished windows are kept in a folder beside the output: `resume` goes on with a run that broke off, of the
    same input and settings. Nothing is overwritten unless `overwrite` says so.

    `report` is a folder for a page that shows the run, `maps` one for flow and defocus as files; `preview` first draws
    three restored frames into TARGET.preview.png. `hooks` are called with a `Progress` after every step, `say` with
    what is being done, and `note` with what there is to know: what cannot be kept, where the preview is. `settings` are
    listed in the report and must be the same when a run goes on. `hosts` shares the work between machines; all but the
    first do not know what the others found. Raises `InputError` for whatever cannot be worked with.
    """
    config = Config.default() if config is None else config
    source, target = Path(source), Path(target)
    outputs = [None if folder is None else Path(folder) for folder in (maps, report)]
    _check_places(source, target, [folder for folder in outputs if folder is not None], preview, resume, overwrite)
    clip = open_source(source, frames)
    clip = clip if crop is None else cropped(clip, *crop)
    if clip.count < 2:
        raise InputError(f"{source} has 1 frame, which shows no motion; give at least 2 consecutive frames")
    shape = clip.count, clip.height, clip.width
    flow = None if flow is None else check_flow(flow, shape)
    config = config if flow is None else config.with_flow(flow)
    check_combs(source, clip.woven)
    tau, config, said = _stated_camera(clip, duty_cycle, config)
    _check_settings(config, shape, tau)
    tau = "auto" if isinstance(tau, str) else float(tau)
    written = Outputs(open_target(target, clip, overwrite), *outputs)
    together = join_hosts(hosts)
    listed = dict(settings or {})
    parts = {"frames": frames, "crop": crop, "duty_cycle": tau, "report": report, "maps": maps}
    asked = {name: str(part) for name, part in parts.items()} | listed
    asked |= {"input_files": identity(source), "config": fingerprint(config)}
    job = open_job(target, asked, resume or not together.first, overwrite)
    together.meet("the job is open")
    noted: list[str] = []

    def tell(line: str) -> None:
        noted.append(line)
        note(line)

    for line in (*written.target.notes, *said) if together.first else ():
        tell(line)
    start = time.monotonic()
    memory = budget(None if max_memory is None else max_memory * GIB, clip.channels)
    with failing_well(job), job.running() if together.first else nullcontext():
        survey, layout = find_layout(job, clip, tau, config, memory, together, say)
        timeline = timeline_of(survey, clip)
        config = pictures_of(config, timeline)
        config = config if flow is None else config.with_flow(between_pictures(flow, timeline))
        if preview and together.first:
            say("restoring three frames for the preview")
            note(f"see {draw_preview(clip, survey, layout, config, target)}: three frames, blurry and restored")
        with _live_page(written.report if together.first else None, listed) as own:
            restore_clip(job, clip, written, survey, layout, config, together, [*hooks, *own])
        found, unknowns = None, {}
        if together.first:
            together.wait_for([job.window(k) for k in range(len(layout.windows))])
            found, lines, unknowns = join(job, written, survey, layout, config, listed)
            for line in lines:
                tell(line)
    seconds = time.monotonic() - start
    return RestoredVideo(target, clip.count, clip.height, clip.width, found, seconds, unknowns, tuple(noted))


def _stated_camera(clip: Source, given: Any, config: Config) -> tuple[Any, Config, list[str]]:
    """The duty cycle that is given, else what the file says, else "auto"; no curve where the file says so and none is
    given; and what there is to know of them."""
    tau, said = "auto" if given is None else given, []
    shutter = stated_shutter(clip) if given is None else None
    if shutter is not None:
        tau = shutter.duty_cycle
        said.append(f"the file says {shutter.words}: duty cycle {tau:.3f}; --duty-cycle auto finds it instead")
    elif given is None and clip.video is not None:
        senseless = [f"{key} {value}" for key, value in clip.video.metadata if is_of_shutter(key)]
        if senseless:
            said.append(f"the file says {senseless[0]}, which is no shutter of {clip.fps:g} fps: it is found instead")
    if clip.light and config.camera.transfer is None:
        config = config.with_transfer("none")
        said.append("the file says that its values are light: no curve is looked for; --transfer says otherwise")
    return tau, config, said


def _check_settings(config: Config, shape: tuple[int, int, int], duty_cycle: Any) -> None:
    """Raise `InputError` for what cannot be meant for a clip (T, H, W), before anything is computed."""
    check_held(config, shape)
    taken = set(AXES) - {"defocus", "duty_cycle"}  # which are unknowns of the method
    for name in (unknown.name for unknown in config.unknowns if unknown.name in taken):
        raise InputError(f"what a video is restored with has a {name!r} already: give the unknown another name")
    if isinstance(duty_cycle, str) and duty_cycle == "auto":
        return
    if isinstance(duty_cycle, str) or np.ndim(duty_cycle) > 0:
        raise InputError(f"the duty cycle of a video is one number or auto, not {duty_cycle!r}")
    check_duty_cycle(duty_cycle, shape[0])


def _check_places(
    source: Path, target: Path, folders: list[Path], preview: bool, resume: bool, overwrite: bool
) -> None:
    """Raise `InputError` for what may not be written, before the input is looked through."""
    if real(source) == real(target):
        raise InputError(f"{target} is the input, which is not replaced; choose another name for the output")
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
    """A number that changes with the settings: all values, and the names of functions, not what they do."""
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

    if not hosts.first:
        hosts.wait_for([job.facts])
    if job.found is None:
        if source.count > MANY:
            say("looking for cuts and repeats")
        timeline = find_timeline(read_frames(source)).cut_before(source.gaps)

        def read(first: int, last: int) -> HostArray:
            start, stop = timeline.frames_of(first, last)
            say(f"looking at frames {start} to {stop - 1}")
            return np.stack(list(read_pictures(source, timeline, first, last)))

        size = source.height, source.width
        own = tuple(source.errors[start] for start in timeline.starts) if source.errors else ()
        known = Survey(duty_cycle, timeline=timeline, codec_errors=own)
        job.begin(prepare.to_json(*prepare.prepare(read, known, size, config, budget)))
    assert job.found is not None
    return prepare.from_json(job.found)


def _live_page(place: Path | None, settings: Mapping[str, str]) -> AbstractContextManager[Sequence[Hook]]:
    """The hook that keeps a page up to date, none without a place for it: then nothing that draws is loaded."""
    if place is None:
        return nullcontext(())
    from gvd_jax.view.report import live_page

    return live_page(place, settings)


@contextmanager
def failing_well(job: Job) -> Iterator[None]:
    """Whatever breaks off the run becomes one line, which says what is finished and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_finished(job)) from None
    except (InputError, OSError) as error:
        raise InputError(f"{_what_failed(error)}; {_finished(job)}") from error
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise InputError("out of memory: begin anew with --overwrite and a smaller --max-memory") from error


def _what_failed(error: Exception) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def _finished(job: Job) -> str:
    total = 0 if job.found is None else len(prepare.from_json(job.found)[1].windows)
    done = sum(job.window(k).exists() for k in range(total))
    if done:
        return f"{done} of {total} windows are finished: --resume goes on with the same input and options"
    job.clear()
    return "nothing was finished, and nothing is written"
