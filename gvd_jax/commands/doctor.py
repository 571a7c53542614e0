"""gvd-jax doctor"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from gvd_jax.commands import options

GB, MB = 2**30, 2**20
ENCODERS = ("libx264", "libx265", "libvpx-vp9", "ffv1")
PACKAGES = ("gvd_jax", "jax", "jaxlib", "numpy", "scipy", "av", "imageio")


@dataclass(frozen=True)
class Doctor:
    """Say what the program sees of this machine, and what a clip would take; add the output to a bug report."""

    clip: Annotated[Path | None, Positional, arg(metavar="[CLIP]", help_behavior_hint="")] = None
    """a video file or a folder of images: say what it would take"""
    max_memory: options.MaxMemory = None
    clear_cache: bool = False
    """remove the compiled programs that are kept for later runs"""

    def run(self) -> None:
        """Print one line for each thing."""
        from gvd_jax.cache import clear_cache
        from gvd_jax.commands.programs import keep_programs

        options.check_memory(self.max_memory)
        keep_programs()
        if self.clear_cache:
            clear_cache()
        for name, value in [*_of_machine(), *(_of_clip(self.clip, self.max_memory) if self.clip else [])]:
            print(f"{name:<10} {value}")


def _of_machine() -> Iterator[tuple[str, str]]:
    import os
    import platform
    from importlib.metadata import version

    import av
    import jax

    from gvd_jax.cache import cache_folder, cached_programs
    from gvd_jax.scale.memory import free

    yield "versions", ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield "python", f"{platform.python_version()} on {platform.platform()}"
    devices = jax.local_devices()
    yield "devices", f"{len(devices)} {devices[0].device_kind}, {os.cpu_count()} cores"
    yield "memory", f"{free() / GB:.1f} GB free"
    kept = sum(file.stat().st_size for file in cached_programs())
    yield "cache", f"{cache_folder()}, {kept / MB:.0f} MB"
    yield "ffmpeg", ", ".join(f"{'' if name in av.codecs_available else 'no '}{name}" for name in ENCODERS)


def _of_clip(path: Path, most: float | None) -> Iterator[tuple[str, str]]:
    from gvd_jax.scale.layout import lay_out
    from gvd_jax.scale.memory import budget
    from gvd_jax.video.source import open_source

    source = open_source(path)
    room = budget(None if most is None else most * GB, source.channels)
    shape = source.count, source.height, source.width
    yield "clip", f"{source.count} frames of {source.width}x{source.height}, {source.channels} channels"
    if room.holds(*shape):
        yield "takes", f"{room.need_of_whole(*shape) / GB:.1f} GB at most, restored as a whole"
        return
    layout = lay_out(*shape, 0.0, room)
    blocks = f"{len(layout.windows)} x {layout.tiles} blocks (windows of frames x tiles)"
    yield "takes", f"{room.total / GB:.1f} GB at most, in {blocks}"
