"""gvd-jax deblur"""

import dataclasses
import sys
import time
from json import dumps
from typing import Annotated, Any

from tyro.conf import arg

from gvd_jax.commands import options
from gvd_jax.errors import InputError

GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Deblur:
    """Remove motion and defocus blur from a clip."""

    input: options.In
    """blurry video, or folder of PNG, JPEG or TIFF images"""
    output: options.Out
    """restored .mp4, .m4v, .mov, .mkv or .webm, or folder for PNG images"""
    preset: options.Preset = "default"
    duty_cycle: Annotated[str | None, arg(metavar="TAU", help_behavior_hint="(default: auto)")] = None
    """exposure / (2 * frame interval), at most 0.5"""
    shutter_angle: Annotated[str | None, arg(metavar="DEG", help_behavior_hint="")] = None
    """the same as an angle: 360 is a shutter that never closes"""
    defocus: Annotated[bool, arg(help_behavior_hint="")] = True
    """leave defocus blur as it is"""
    transfer: Annotated[str | None, arg(metavar="CURVE", help_behavior_hint="(default: the preset's)")] = None
    """camera curve to undo: srgb, gamma22, none or auto"""
    preview: Annotated[bool, arg(help_behavior_hint="")] = False
    """first restore three frames and draw them into OUT.preview.png"""
    report: options.Folder = None
    """write a page, index.html, that shows the run and what it did"""
    maps: options.Folder = None
    """write flow (.flo, .png) and defocus (.npy, .png)"""
    frames: options.Frames = None
    """take frames A to B - 1 only"""
    crop: Annotated[str | None, arg(metavar="Y,X,H,W", help_behavior_hint="")] = None
    """take H x W pixels from row Y and column X only"""
    max_memory: Annotated[float | None, arg(metavar="GB", help_behavior_hint="(default: most of what is free)")] = None
    """work in parts that take no more"""
    resume: Annotated[bool, arg(help_behavior_hint="")] = False
    """go on with a run of the same input and options that broke off"""
    hosts: Annotated[str | None, arg(metavar="HOSTS", help_behavior_hint="")] = None
    """share the work: auto, or ADDRESS:PORT,COUNT,NUMBER of this host"""
    overwrite: options.Overwrite = False
    """write over outputs that exist"""
    json: Annotated[bool, arg(help_behavior_hint="")] = False
    """print the result as one line of JSON"""
    quiet: Annotated[bool, arg(help_behavior_hint="")] = False
    """show no progress"""
    verbose: Annotated[bool, arg(help_behavior_hint="")] = False
    """show every step, with its energy"""

    def run(self) -> None:
        """Check every option and output, then compute."""
        duty_cycle = options.parse_duty_cycle(self.duty_cycle, self.shutter_angle)
        frames, window = options.parse_frames(self.frames), options.parse_crop(self.crop)
        options.check_memory(self.max_memory)
        if self.quiet and self.verbose:
            raise InputError("--quiet and --verbose contradict each other; give one of them")

        from gvd_jax.commands import job as jobs
        from gvd_jax.commands.compile_cache import use_compile_cache
        from gvd_jax.commands.progress_bar import progress_bar
        from gvd_jax.scale.hosts import join_hosts
        from gvd_jax.scale.job import open_job
        from gvd_jax.scale.memory import budget
        from gvd_jax.video.sink import open_target
        from gvd_jax.video.source import cropped, open_source
        from gvd_jax.view.report import Report

        self._check_places()
        config = self._config()
        source = open_source(self.input, frames)
        source = source if window is None else cropped(source, *window)
        if source.count < 2:
            raise InputError(f"{self.input} has 1 frame, which shows no motion; give at least 2 consecutive frames")
        target = open_target(self.output, source, self.overwrite)
        outputs = jobs.Outputs(target, self.maps, self.report)
        use_compile_cache()
        hosts = join_hosts(self.hosts)
        asked = self._settings() | {"input_files": jobs.identity(self.input)}
        job = open_job(self.output, asked, self.resume or not hosts.first, self.overwrite)
        hosts.meet("the job is open")
        for note in target.notes if hosts.first else ():
            print(f"gvd-jax: {note}", file=sys.stderr)

        start = time.monotonic()
        memory = budget(None if self.max_memory is None else self.max_memory * GIB, source.channels)
        with jobs.failing_well(job):
            survey, layout = jobs.find_plan(job, source, duty_cycle, config, memory, hosts, self._say)
            if self.preview and hosts.first:
                self._say("restoring three frames for the preview")
                jobs.preview(source, survey, layout, config, self.output)
            with progress_bar(self.quiet, self.verbose) as hooks:
                if self.report is not None and hosts.first:
                    hooks = [*hooks, Report(self.report, self._settings())]
                jobs.restore_clip(job, source, outputs, survey, layout, config, hosts, hooks)
            if not hosts.first:
                return
            hosts.wait_for([job.window(k) for k in range(len(layout.windows))])
            found = jobs.join(job, outputs, layout, self._settings())
        self._tell(source, found, time.monotonic() - start)

    def _check_places(self) -> None:
        """Raise `InputError` for what may not be written, before the input is looked through."""
        from gvd_jax.commands.job import preview_place
        from gvd_jax.commands.outputs import check_outputs
        from gvd_jax.scale.job import check_unfinished
        from gvd_jax.video.places import check_free

        folders = [folder for folder in (self.report, self.maps) if folder is not None]
        unfinished = check_unfinished(self.output, self.resume, self.overwrite)
        goes_on = self.resume and unfinished.exists()  # then the folders hold what is finished
        check_outputs([self.input], [self.output], folders, self.overwrite or goes_on)
        if self.preview:
            check_free(preview_place(self.output), self.overwrite or goes_on)

    def _say(self, what: str) -> None:
        if not self.quiet:
            print(f"gvd-jax: {what}", file=sys.stderr, flush=True)

    def _tell(self, source: Any, duty_cycle: float, seconds: float) -> None:
        if self.json:
            size = {"frames": source.count, "height": source.height, "width": source.width}
            found = {"duty_cycle": round(duty_cycle, 4), "seconds": round(seconds, 1)}
            print(dumps({"output": str(self.output), **size, **found}))
        else:
            size = f"{source.count} frames of {source.width}x{source.height}"
            print(f"{self.output}: {size}, duty cycle {duty_cycle:.3f}, {seconds:.0f} s")

    def _settings(self) -> dict[str, str]:
        """What makes up the result, as text."""
        aside = ("resume", "overwrite", "json", "quiet", "verbose", "preview", "hosts")
        names = [field.name for field in dataclasses.fields(self) if field.name not in aside]
        return {name: str(getattr(self, name)) for name in names}

    def _config(self) -> Any:
        from gvd_jax.method.config import Config

        config = getattr(Config, self.preset)()
        config = config if self.transfer is None else config.with_transfer(self.transfer)
        return config if self.defocus else config.without_defocus()
