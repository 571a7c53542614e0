"""Where results are kept: one JSON file per experiment, written after every row, and a Markdown table beside it."""

import json
import os
import platform
import re
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

Row = dict[str, Any]
TIME = re.compile(r"\b(s|seconds|ns/px|us per pixel)$")  # columns that hold times
MACHINE = ("device", "load")
PACKAGES = ("gvd_jax", "jax", "jaxlib", "numpy", "scikit-image")


def surroundings() -> Row:
    """What a figure depends on besides the code: versions, machine and its load."""
    import jax

    versions = {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
    machine = {"device": jax.devices()[0].device_kind, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    return versions | machine | {"date": time.strftime("%Y-%m-%d")}


def every_row(rows: Mapping[str, Row]) -> str:
    """All rows as Markdown; a column is every key under which some row has one value.

    Where times are compared, every row names its machine and the load of it when the row was measured.
    """
    if any(TIME.search(key) for row in rows.values() for key in row):
        rows = {name: row | _machine(row.get("surroundings", {})) for name, row in rows.items()}
    items = (item for row in rows.values() for item in row.items())
    found = dict.fromkeys(key for key, value in items if not isinstance(value, list | dict))
    keys = sorted(found, key=MACHINE.__contains__)  # these last
    lines = ["| | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(_cell(row.get(key)) for key in keys) + " |")
    return "\n".join(lines)


def _machine(surroundings: Row) -> Row:
    """The columns that tell it."""
    if not surroundings:
        return {}
    return dict(
        zip(MACHINE, (f"{surroundings['device']}, {surroundings['cores']} cores", surroundings["load"]), strict=True)
    )


class Results:
    """Rows by name, in a file: a run that was cut off goes on where it stopped, a row measured again is replaced.

    `layout` makes the Markdown of them.
    """

    def __init__(self, path: Path, layout: Callable[[Mapping[str, Row]], str] = every_row) -> None:
        self.path, self.layout = path, layout
        self.rows: dict[str, Row] = json.loads(path.read_text()) if path.exists() else {}

    def wants(self, name: str, named: Sequence[str]) -> bool:
        """Whether a row is to be measured: it is named, or it is missing and none is named."""
        return name in named if named else name not in self.rows

    def add(self, name: str, row: Row) -> None:
        """Keep a row with its surroundings, print it and write the file."""
        self.rows[name] = row | {"surroundings": surroundings()}
        print(name, row, flush=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(self.rows, indent=1) + "\n")
        temporary.replace(self.path)
        self.path.with_suffix(".md").write_text(self.table() + "\n")

    def table(self) -> str:
        """The Markdown of all rows."""
        return self.layout(self.rows)


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return "" if value is None else str(value)
    if 0 < abs(value) < 0.0005:
        return f"{value:.1e}"
    return f"{value:.3f}".rstrip("0").rstrip(".")
