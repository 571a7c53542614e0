"""A running deblurring on standard error: a bar on a terminal, a line now and then in a log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from gvd_jax.progress import Hook, Progress

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def progress_bar(quiet: bool = False, verbose: bool = False) -> Iterator[list[Hook]]:
    """Hooks that show the place, the share of all the work that is done and the time left.

    None if `quiet`; a line for every step, with the energy of its terms, if `verbose`.
    """
    if quiet or verbose:
        yield [_every_step] if verbose else []
        return
    if not sys.stderr.isatty():
        yield [_lines()]
        return
    with tqdm(total=1.0, bar_format=BAR, file=sys.stderr, desc="starting") as bar:

        def show(progress: Progress) -> None:
            bar.set_description_str(_place(progress), refresh=False)
            bar.set_postfix_str(f"{tqdm.format_interval(progress.left)} left", refresh=False)
            bar.update(progress.fraction - bar.n)

        yield [show]


def _lines() -> Hook:
    level, printed, done = -1, 0.0, 0.0

    def show(progress: Progress) -> None:
        nonlocal level, printed, done
        new = progress.level != level and not progress.part  # of a long clip every part has the same levels
        ended = progress.fraction == 1 and done < 1  # what follows takes no time
        if not new and progress.seconds - printed < SECONDS_BETWEEN_LINES and not ended:
            return
        level, printed, done = progress.level, progress.seconds, progress.fraction
        left = tqdm.format_interval(progress.left)
        print(f"gvd-jax: {_place(progress)}, {progress.fraction:.0%} done, {left} left", file=sys.stderr, flush=True)

    return show


def _every_step(progress: Progress) -> None:
    energy = ", ".join(f"{name} {part:.4g}" for name, part in progress.energy.items())
    step = f"{_place(progress)}, level {progress.level + 1} of {progress.levels}, {progress.stage}"
    print(f"gvd-jax: {progress.seconds:8.1f} s, {step}: {energy or 'done'}", file=sys.stderr, flush=True)


def _place(progress: Progress) -> str:
    height, width = progress.shape
    part = f"{progress.part}, " if progress.part else ""
    return f"{part}at {width}x{height}"
