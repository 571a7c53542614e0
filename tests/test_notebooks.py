"""The notebooks: they run, print what is kept in them, and teach public names only."""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import gvd_jax

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
MODULES = {
    "gvd_jax",
    "gvd_jax.metrics",
    *("gvd_jax.video.layers", "gvd_jax.video.synthesize"),
    *("gvd_jax.view.colour", "gvd_jax.view.figures", "gvd_jax.view.solver"),
}
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
TOLERANCE = 0.02  # relative; processors add in another order, and the last digit printed may be the other one
KEPT_BYTES = 4_000_000  # of the whole folder
HURRIED = ("1_blur_model", "2_energy_and_gradients", "4_deblur_a_clip")  # they compile more than they compute

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    """What each code cell prints."""
    outputs = ([o.text for o in cell.outputs if o.output_type == "stream"] for cell in code_cells(notebook))
    return ["".join(texts) for texts in outputs]


def drawn(notebook):
    """How many pictures each code cell shows."""
    return [sum("image/jpeg" in o.get("data", {}) for o in cell.outputs) for cell in code_cells(notebook)]


def same_numbers(text, kept):
    """Whether two texts differ in their numbers only, and those by no more than the tolerance or the last digit."""
    if NUMBER.sub("#", text) != NUMBER.sub("#", kept):
        return False
    return all(
        abs(float(a) - float(b)) <= TOLERANCE * abs(float(b)) + 1.01 * last_digit(b)
        for a, b in zip(NUMBER.findall(text), NUMBER.findall(kept), strict=True)
    )


def last_digit(number):
    """The unit of the last digit that is printed: 0.01 of "3.14"."""
    mantissa, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


@pytest.mark.parametrize(
    "text, kept, same",
    [
        ("error 10.1 px", "error 10.0 px", True),
        ("error 10.4 px", "error 10.0 px", False),
        ("2 of 3: 0.02", "2 of 3: 0.01", True),  # the last digit
        ("2 of 3: 0.04", "2 of 3: 0.01", False),
        ("slope -1.20e-05", "slope -1.21e-05", True),
        ("slope 1.20e-05", "slope -1.20e-05", False),
        ("1 frame", "1 picture", False),
        ("1 2", "1", False),
    ],
)
def test_numbers_are_compared(text, kept, same):
    assert same_numbers(text, kept) == same


def test_the_folder_is_small():
    assert len(NOTEBOOKS) == 6
    assert sum(path.stat().st_size for path in NOTEBOOKS) < KEPT_BYTES


@each_notebook
def test_what_is_kept_is_one_run_in_order(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(drawn(notebook)) >= 3 and any(printed(notebook))
    for output in (output for cell in cells for output in cell.outputs):
        assert output.output_type in ("stream", "display_data", "execute_result")
        assert output.get("name", "stdout") == "stdout"
    for before, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        assert after.cell_type == "markdown" or before.cell_type == "markdown"  # every piece of code is introduced


def names_of_the_package(notebook):
    """The modules of the package that a notebook imports, and the names it takes from the package's top."""
    source = "\n".join(cell.source for cell in code_cells(notebook))
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith("%")))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "gvd":
            yield f"gvd_jax.{node.attr}"


@each_notebook
def test_only_public_names_are_taught(path):
    names = {name for name in names_of_the_package(nbformat.read(path, as_version=4)) if name.startswith("gvd_jax")}
    public = MODULES | {f"gvd_jax.{name}" for name in gvd_jax.__all__}
    assert names and not any(part.startswith("_") for name in names for part in name.split("."))
    assert {
        name for name in names if name not in public and name.rpartition(".")[0] not in MODULES - {"gvd_jax"}
    } == set()


@each_notebook
def test_it_runs_and_prints_what_is_kept(path, tmp_path):
    kept = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    for cell in code_cells(fresh):
        cell.outputs, cell.execution_count = [], None
    # The kernel is another process, which sees what this one has; the types of calls are not checked there.
    client = NotebookClient(fresh, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    soon = {"XLA_FLAGS": f"{os.environ['XLA_FLAGS']} --xla_backend_optimization_level=1"}
    how = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"} if path.stem in HURRIED else soon
    client.execute(env=os.environ | how | {"PYTHONPATH": str(path.parent.parent)})
    assert drawn(fresh) == drawn(kept)
    for text, expected in zip(printed(fresh), printed(kept), strict=True):
        assert same_numbers(text, expected), f"{text}\nkept:\n{expected}"
