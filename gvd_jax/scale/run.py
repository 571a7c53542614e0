"""Windows of a clip, restored on all devices of this machine."""

import dataclasses
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from queue import SimpleQueue
from typing import Any

import jax

from gvd_jax.clock import Clock
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import Result
from gvd_jax.progress import Hook, Progress
from gvd_jax.scale.layout import Layout
from gvd_jax.scale.spans import Span
from gvd_jax.scale.survey import Survey
from gvd_jax.scale.window import Restored, restore_block, restore_window
from gvd_jax.shapes import HostArray


@dataclasses.dataclass(frozen=True)
class Window:
    """A span of frames, counted from the start of the clip, and its number in the layout."""

    number: int
    span: Span


Emit = Callable[[Window, Sequence[HostArray], Restored], None]  # the frames that are kept, blurry and restored


class Stopped(Exception):
    """Another window failed, or the user has had enough."""


def read_windows(frames: Iterable[tuple[int, HostArray]], windows: Iterable[Window]) -> Iterator[tuple[Window, list]]:
    """Every window with its frames [H, W, C], of a stream of numbered frames: each is read once."""
    stream, held = iter(frames), []
    for window in windows:
        held = [(k, frame) for k, frame in held if k >= window.span.start]
        while not held or held[-1][0] < window.span.stop - 1:
            k, frame = next(stream)
            if k >= window.span.start:
                held.append((k, frame))
        yield window, [frame for _, frame in held]


def restore_windows(
    windows: Iterator[tuple[Window, list]],
    total: int,
    layout: Layout,
    survey: Survey,
    config: Config,
    emit: Emit,
    hooks: Sequence[Hook],
) -> None:
    """Restore `total` windows, each on the device that is free first, and `emit` each from the thread of its device.

    Windows share nothing, so devices need not talk: what each restores is what one alone would have restored. `hooks`
    see the share of all windows that is done. The first exception stops all.
    """
    devices = jax.local_devices()
    tally = Tally(hooks, total * layout.tiles, len(devices))
    idle: SimpleQueue[Any] = SimpleQueue()

    def work(device: Any, window: Window, frames: list) -> None:
        try:
            with jax.default_device(device):
                span, numbers = window.span, count(1)

                def restore(block: HostArray, own: Config) -> Result:
                    hook = tally.hook(_label(survey, span, next(numbers), layout))
                    return restore_block(block, survey, own, [hook], span.start)

                kept = slice(span.first - span.start, span.last - span.start)
                emit(window, frames[kept], restore_window(frames, span, layout, config, restore))
        finally:
            idle.put(device)

    if len(devices) == 1:  # in this thread, which Ctrl-C reaches at once
        for window, frames in windows:
            work(devices[0], window, frames)
        return
    for device in devices:
        idle.put(device)
    running: list[Future[None]] = []
    with ThreadPoolExecutor(len(devices)) as threads:
        try:
            for window, frames in windows:
                device = idle.get()
                for future in running:
                    if future.done():
                        future.result()
                running.append(threads.submit(work, device, window, frames))
            for future in running:
                future.result()
        except BaseException:
            tally.stop.set()
            raise


def _label(survey: Survey, span: Span, tile: int, layout: Layout) -> str:
    first, last = span.first, span.last
    if survey.timeline is not None:
        first, last = survey.timeline.frames_of(first, last)
    parts = [f"frames {first} to {last - 1}"] * (len(layout.windows) > 1)
    parts += [f"tile {tile} of {layout.tiles}"] * (layout.tiles > 1)
    return ", ".join(parts)


class Tally:
    """How much of all blocks is done, which several threads tell."""

    def __init__(self, hooks: Sequence[Hook], blocks: int, threads: int):
        self.hooks, self.blocks, self.done = hooks, blocks, 0.0
        self.clock, self.lock, self.stop = Clock(threads), threading.Lock(), threading.Event()

    def hook(self, part: str) -> Hook:
        """For one block, named `part`."""
        before = 0.0

        def show(progress: Progress) -> None:
            nonlocal before
            if self.stop.is_set():
                raise Stopped
            with self.lock:
                self.done += progress.fraction - before
                before = progress.fraction
                fraction, (seconds, compiling) = min(self.done / self.blocks, 1.0), self.clock.read()
                own = dataclasses.replace(progress, part=part, fraction=fraction, seconds=seconds, compiling=compiling)
                for hook in self.hooks:
                    hook(own)

        return show
