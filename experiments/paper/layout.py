"""How the rows of an experiment become a table of the paper's shape, next to the paper's own numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from experiments.results import Row, every_row

Printed = Mapping[tuple[str, str], Sequence[float]]  # what the paper prints, by system and condition


def row_name(clip: str, condition: str, system: str) -> str:
    """The name of a row; no part of it has a slash."""
    return f"{clip}/{condition}/{system}"


def means(
    rows: Mapping[str, Row], condition: str, system: str, keys: Sequence[str], clips: Iterable[str]
) -> list[float]:
    """Of each of the `keys` the mean over `clips`."""
    found = [rows[row_name(clip, condition, system)] for clip in clips]
    return [float(np.mean([row[key] for row in found])) for key in keys]


def complete(rows: Mapping[str, Row], conditions: Iterable[str], systems: Sequence[str]) -> list[str]:
    """The clips on which every one of the `systems` has been measured under every condition."""
    clips = dict.fromkeys(name.split("/")[0] for name in rows)
    return [c for c in clips if all(row_name(c, x, s) in rows for x in conditions for s in systems)]


def cell(values: Sequence[float] | None, sign: str = "") -> str:
    """PSNR (SSIM), or whatever a single number is; nothing of nothing."""
    if values is None:
        return ""
    if len(values) == 1:
        return f"{values[0]:{sign}.3f}"
    return f"{values[0]:{sign}.2f} ({values[1]:{sign}.4f})"


def comparison(
    heads: Mapping[str, str],
    systems: Sequence[str],
    keys: Sequence[str],
    printed: Printed,
    remarks: str,
    gain: tuple[str, str] | None = None,
) -> Callable[[Mapping[str, Row]], str]:
    """A layout for `Results`: a line for each system, and for each condition a column of ours and one of the paper's.

    `heads` has what stands above the column of each condition. Means over the clips on which all systems that have any
    row have been measured. `gain` are two systems of which the second is to be better: the last line is by how much.
    `remarks` follow the table.
    """

    def layout(rows: Mapping[str, Row]) -> str:
        measured = [s for s in systems if any(name.endswith(f"/{s}") for name in rows)]
        clips = complete(rows, heads, measured)
        lines = [f"| mean of {len(clips)} clips | " + " | ".join(f"{head} | paper" for head in heads.values()) + " |"]
        lines.append("|---" * (2 * len(heads) + 1) + "|")
        ours = {(s, c): means(rows, c, s, keys, clips) for s in measured for c in heads if clips}
        for system in measured:
            columns = (cell(table.get((system, c))) for c in heads for table in (ours, printed))
            lines.append(f"| {system} | " + " | ".join(columns) + " |")
        if gain is not None and set(gain) <= set(measured):
            columns = (cell(_difference(table, gain, c), "+") for c in heads for table in (ours, printed))
            lines.append(f"| {gain[1]} - {gain[0]} | " + " | ".join(columns) + " |")
        return "\n".join(lines) + f"\n\n{remarks}"

    return layout


def with_remarks(remarks: str) -> Callable[[Mapping[str, Row]], str]:
    """A layout for `Results`: every row, and what to know of them."""
    return lambda rows: f"{every_row(rows)}\n\n{remarks}"


def _difference(table: Printed, systems: tuple[str, str], condition: str) -> list[float] | None:
    first, second = (table.get((system, condition)) for system in systems)
    return None if first is None or second is None else [b - a for a, b in zip(first, second, strict=True)]
