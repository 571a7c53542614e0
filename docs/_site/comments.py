"""What the source says of a field in the comment behind it, or of a constant in the one above it, documents it."""

import re
from pathlib import Path

import griffe

BEHIND = re.compile(r"\s#\s+(?!pyright|noqa|type:)(.+)$")
ALONE = re.compile(r"^\s*#\s+(.+)$")


class Comments(griffe.Extension):
    """Griffe reads docstrings only; a frozen pytree with a line per field needs no more than a comment on each."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_) -> None:
        path, first, last = attr.filepath, attr.lineno, attr.endlineno
        if attr.docstring is None and isinstance(path, Path) and first and last and attr.parent:
            text = comment(attr.lines_collection[path], first - 1, last - 1, attr.parent.is_class)
            attr.docstring = griffe.Docstring(text, parent=attr) if text else None


def comment(lines: list[str], first: int, last: int, field: bool) -> str:
    """The comment on what is declared from line `first` to `last`, "" if there is none."""
    behind = BEHIND.search(lines[last])
    if behind:
        more = alone(lines[last + 1 :]) if field else []
        return " ".join([behind[1], *more])
    return "" if field else " ".join(reversed(alone(lines[first - 1 :: -1])))


def alone(lines: list[str]) -> list[str]:
    """The text of the comments that open `lines`, each alone on its line."""
    found = []
    for line in lines:
        match = ALONE.match(line)
        if match is None:
            break
        found.append(match[1])
    return found
