"""gvd-jax deblur"""

import dataclasses
import sys
from json import dumps
from typing import Annotated, Any, Literal

from tyro.conf import arg

from gvd_jax.commands import options
from gvd_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class Deblur:
    """Remove motion and defocus blur from a clip."""

    input: options.In
    """blurry video, or folder of PNG, JPEG or TIFF images"""
    output: options.Out
    """restored .mp4, .m4v, .mov, .mkv or .webm, or folder for PNG images"""
    preset: options.Preset = "default"
    duty_cycle: Annotated[str | None, arg(metavar="TAU", help_behavior_hint="")] = None
    """exposure / (2 * frame interval); auto: find it"""
    shutter_angle: Annotated[str | None, arg(metavar="DEG", help_behavior_hint="")] = None
    """the same as an angle: 360 is a shutter that never closes"""
    defocus: Annotated[Literal["auto", "on", "off"], arg(help_behavior_hint="")] = "auto"
    """remove defocus blur; auto: not of a tripod shot"""
    transfer: Annotated[str | None, arg(metavar="CURVE", help_behavior_hint="(default: the preset's)")] = None
    """camera curve to undo: auto, none, srgb, gamma22 or a gamma"""
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
    max_memory: options.MaxMemory = None
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
        """Check every option, then restore."""
        duty_cycle = options.parse_duty_cycle(self.duty_cycle, self.shutter_angle)
        frames, crop = options.parse_frames(self.frames), options.parse_crop(self.crop)
        options.check_memory(self.max_memory)
        if self.quiet and self.verbose:
            raise InputError("--quiet and --verbose contradict each other; give one of them")

        from gvd_jax.commands.programs import keep_programs
        from gvd_jax.commands.progress_bar import progress_bar
        from gvd_jax.scale.clip import deblur_video, say_nothing

        config = self._config()
        keep_programs()
        with progress_bar(self.quiet, self.verbose) as hooks:
            done = deblur_video(
                self.input,
                self.output,
                config,
                duty_cycle,
                frames=frames,
                crop=crop,
                max_memory=self.max_memory,
                resume=self.resume,
                overwrite=self.overwrite,
                report=self.report,
                maps=self.maps,
                preview=self.preview,
                hosts=self.hosts,
                hooks=hooks,
                settings=self._settings(),
                say=say_nothing if self.quiet else _tell_user,
                note=_tell_user,
            )
        if done.found is not None:  # this host is the first
            self._tell(done)

    def _tell(self, done: Any) -> None:
        if self.json:
            size = {"frames": done.frames, "height": done.height, "width": done.width}
            numbers = dataclasses.asdict(done.found).items()
            found = {name: value if value is None else round(value, 4) for name, value in numbers}
            found |= {"notes": done.notes, "seconds": round(done.seconds, 1)}
            print(dumps({"output": str(self.output), **size, **found}))
        else:
            size = f"{done.frames} frames of {done.width}x{done.height}"
            found = ", ".join(f"{name} {value}" for name, value in done.found.lines().items())
            print(f"{self.output}: {size}, {found}, {done.seconds:.0f} s")

    def _settings(self) -> dict[str, str]:
        """What makes up the result, as text."""
        aside = ("resume", "overwrite", "json", "quiet", "verbose", "preview", "hosts")
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: str(value) for name, value in values.items() if name not in aside and value is not None}

    def _config(self) -> Any:
        from gvd_jax.method.config import Config

        config = getattr(Config, self.preset)()
        config = config if self.transfer is None else config.with_transfer(options.parse_transfer(self.transfer))
        if self.defocus == "off":
            return config.without_defocus()
        return config if self.defocus == "auto" else config.with_all_defocus()


def _tell_user(line: str) -> None:
    print(f"gvd-jax: {line}", file=sys.stderr, flush=True)
