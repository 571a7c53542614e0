"""The command line. Heavy libraries are imported by the command that runs, so that --help is quick."""

import dataclasses
import os
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from errno import ENAMETOOLONG
from importlib.metadata import version
from io import StringIO, TextIOWrapper
from itertools import pairwise, takewhile
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional, arg

from gvd_jax.commands.deblur import Deblur
from gvd_jax.commands.demo import Demo
from gvd_jax.commands.doctor import Doctor
from gvd_jax.commands.score import Score
from gvd_jax.commands.sweep import Sweep
from gvd_jax.commands.synthesize import Synthesize
from gvd_jax.errors import INTERRUPTED, InputError

BROKEN_PIPE = 141  # what a shell says of a program that SIGPIPE ended
NAME = "gvd-jax"
DESCRIPTION = "Remove motion blur and defocus blur from video."
COMMANDS = ("demo", "deblur", "sweep", "synthesize", "score", "doctor", "completion")


@dataclasses.dataclass(frozen=True)
class Completion:
    """Print a script that lets a shell complete commands and options."""

    shell: Annotated[Literal["bash", "zsh", "fish"], Positional, arg(metavar="SHELL")]
    """bash, zsh or fish"""

    def run(self) -> None:
        """Let tyro print it."""
        parse(["--tyro-print-completion", self.shell])


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 with a result, 2 with one line on standard error, 130 after Ctrl-C."""
    if isinstance(sys.stdout, TextIOWrapper):  # a name may have letters that the terminal has not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        parse(argv).run()
    except InputError as error:
        print(f"{NAME}: {_printable(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit fails as well
        return BROKEN_PIPE
    except OSError as error:
        way = "choose a shorter name" if error.errno == ENAMETOOLONG else "free space or choose another place"
        print(f"{NAME}: {_printable(str(error))}; {way}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        state = str(stop) or "what was not finished is not written"
        print(f"{NAME}: interrupted; {state}", file=sys.stderr)
        return INTERRUPTED
    return 0


def parse(argv: Sequence[str] | None) -> Demo | Deblur | Sweep | Synthesize | Score | Doctor | Completion:
    """The command and its options. `--help` prints and exits; bad options raise `InputError`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        print(f"{NAME} {version('gvd_jax')}")
        raise SystemExit(0)
    command = words[0] if words else ""
    if command and command not in COMMANDS and not command.startswith("-"):
        raise InputError(f"there is no command {command!r}: choose {', '.join(COMMANDS)}; see {NAME} --help")
    if "" in words:
        raise InputError(f"a name or a value is empty; see {NAME} --help")
    if dashed := next((own for before, own in pairwise(["", *words]) if _is_dashed(own) and before[:2] != "--"), None):
        raise InputError(f"there is no option {dashed}; of a file that is called so, write ./{dashed}")
    complaint = StringIO()
    try:
        with redirect_stderr(complaint):
            return tyro.cli(
                Demo | Deblur | Sweep | Synthesize | Score | Doctor | Completion,
                prog=NAME,
                description=DESCRIPTION,
                args=_weights_apart(words),
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        helpful = f"{NAME} {command}" if command in COMMANDS else NAME
        raise InputError(f"{_one_line(complaint.getvalue())}; see {helpful} --help") from None


def _is_dashed(word: str) -> bool:
    """Whether it looks like options of one letter, of which there is only -h, and is no number."""
    return re.fullmatch(r"-[^-\d.].+", word) is not None


def _weights_apart(argv: Sequence[str]) -> list[str]:
    """--weights.NAME X as --weights NAME X: the names are those of the terms of a preset, which is not known yet."""
    parts = (re.fullmatch(r"--weights\.([^=]+)(?:=(.*))?", argument) for argument in argv)
    split = ([a] if p is None else ["--weights", *filter(None, p.groups())] for a, p in zip(argv, parts, strict=True))
    return [word for words in split for word in words]


def _printable(text: str) -> str:
    """One line, whatever is in the names of files: what is no letter or sign is written as Python writes it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _one_line(complaint: str) -> str:
    """What tyro says in a frame over several lines, without the frame, the help of single options and the hints."""
    plain = re.sub(r"[│╭╮╰╯]", " ", re.sub(r"\x1b\[[\d;]*m", "", complaint))
    lines = [(len(line) - len(line.lstrip()), line.strip()) for line in plain.splitlines()]
    inside = [(indent, text) for indent, text in lines if indent > 1]
    message = takewhile(lambda line: line[1].strip("─-"), inside)
    return f"{' '.join(text for indent, text in message if indent < 10).rstrip('.')}"
