"""The floors of CONTRIBUTING.md, what the core must not do, and what an import must not load."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gvd_jax"

# A room, a file or folder of the package, imports only from lower floors and from itself.
FLOORS = (
    ("trees", "shapes", "errors", "clock", "cache", "stored_programs"),
    ("ops", "progress"),
    ("convex",),
    ("model",),
    ("solve",),
    ("method",),
    ("video", "view", "metrics"),
    ("scale",),
    ("",),  # the public names in gvd_jax/__init__.py; nothing inside imports through them
    ("commands",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: k for k, rooms in enumerate(FLOORS) for room in rooms}
TOWERS = {"video", "view", "metrics"}  # beside the house: they see its two lowest floors only
PURE = (
    *("ops.", "convex.", "model.", "solve.", "method.stages."),
    *("method.post_filter.", "method.occlusion.", "method.pyramid.", "method.believe.", "method.schedule."),
)
IMPURE = {
    *("print", "printoptions", "set_printoptions", "array2string", "logging", "warnings", "tqdm"),
    *("debug", "callback", "io_callback", "pure_callback", "host_callback"),
}


def module_name(path):
    """Dotted name inside the package; the package itself is ""."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(tree):
    """Modules of the package that a syntax tree imports: at the top, inside functions and for type checkers alike."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute, so that they can be read here"
            # `from gvd_jax.video import codec` imports the file codec, not the folder's names.
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [m if m.removeprefix("gvd_jax.") in FILES else node.module for m in members]
        else:
            continue
        yield from (name.removeprefix("gvd_jax").lstrip(".") for name in found if name.split(".")[0] == "gvd_jax")


TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}
IMPORTS = {name: set(imported(tree)) for name, tree in TREES.items()}


def may_import(module, other):
    """Whether the floors allow it; cycles within a room are for another test to find."""
    room, below = module.split(".")[0], other.split(".")[0]
    if room == below:
        return True
    return FLOOR[below] < (2 if room in TOWERS else FLOOR[room])


@pytest.mark.parametrize(
    "module, other, allowed",
    [
        ("model.terms", "ops.warp", True),
        ("ops.warp", "model.terms", False),
        ("convex.pdhg", "solve.blocks", False),
        ("errors", "shapes", False),  # two rooms of one floor
        ("view.report", "progress", True),
        ("view.report", "ops.filters", True),
        ("video.codec", "convex.norms", False),
        ("view.report", "video.codec", False),
        ("method.deblur", "view.report", False),
        ("method.deblur", "", False),
        ("commands.demo", "video.synthesize", True),
        ("commands.demo", "cli", False),
    ],
)
def test_the_floors_say_what_they_should(module, other, allowed):
    assert may_import(module, other) == allowed


def test_the_reader_sees_every_kind_of_import():
    code = "import numpy, gvd_jax.cli\ndef f():\n from gvd_jax.video import codec\nfrom gvd_jax.trees import pytree\n"
    assert list(imported(ast.parse(code + "from gvd_jax import metrics, Config\n"))) == (
        ["cli", "trees", "metrics", "", "video.codec"]
    )
    assert len(FILES) > 40 and sum(map(len, IMPORTS.values())) > 150


def test_every_file_has_a_floor():
    assert {name.split(".")[0] for name in FILES} == set(FLOOR)


def test_files_import_from_lower_floors_only():
    upward = {(m, other) for m, others in IMPORTS.items() for other in others if not may_import(m, other)}
    assert upward == set()


def circle(imports):
    """The modules of one circle of imports, none if there is no circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_imports_go_in_no_circle():
    assert circle(IMPORTS) == []
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == {"b", "c"}


def names_in(tree):
    """Every name that code reads, imports or takes from a module: words in comments and docstrings do not count."""
    for node in ast.walk(tree):
        yield from (getattr(node, "id", None), getattr(node, "attr", None))
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from f"{getattr(node, 'module', '')}.{'.'.join(alias.name for alias in node.names)}".split(".")


def test_the_core_neither_prints_nor_calls_back():
    """A program with a host callback is not written to the compilation cache."""
    core = [m for m in FILES if f"{m}.".startswith(PURE)]
    assert len(core) > 40
    assert {(m, name) for m in core for name in names_in(TREES[m]) if name in IMPURE} == set()
    assert "print" in names_in(TREES["cli"])  # where it belongs, and found
    code = "from jax import debug as d\njax.pure_callback(f)\nfrom jax.experimental import io_callback\n"
    assert {"debug", "pure_callback", "io_callback"} <= set(names_in(ast.parse(code)))


def test_importing_the_package_loads_no_pictures_and_no_video():
    heavy = ("matplotlib", "av", "imageio", "skimage", "tyro")
    code = f"import sys, gvd_jax; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_file_is_a_room_one_can_know_by_heart():
    files = [path for room in ("gvd_jax", "tests") for path in (ROOT / room).rglob("*.py")]
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count >= 300} == {}
