"""The documentation site builds strictly, asks no network, has every public name, and its code is code that works."""

import ast
import importlib
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import get_args

import pytest

import gvd_jax as gvd
from gvd_jax.cli import parse
from gvd_jax.commands.options import Preset

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
BLOCK = re.compile(r"(<!-- run -->\n)?```(\w*)\n(.*?)```", re.DOTALL)
BLOCKS = {page.name: [match.groups() for match in BLOCK.finditer(page.read_text())] for page in PAGES}
CODE = [
    (page, k, code) for page, found in BLOCKS.items() for k, (_, kind, code) in enumerate(found) if kind == "python"
]
RUN = [page for page, found in BLOCKS.items() if any(run for run, _, _ in found)]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXAMPLES = '--8<-- "experiments/terms.py:'


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as a reader would; a warning, as of a link that leads nowhere, is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    return folder


def test_every_page_is_built(site):
    assert {page.stem for page in PAGES} <= {page.stem for page in site.glob("*.html")}
    assert len(list((site / "api").glob("*.html"))) == len(list((DOCS / "api").glob("*.md"))) == 9


def test_every_public_name_is_on_one_page_of_the_api(site):
    text = "".join(page.read_text() for page in (site / "api").glob("*.html"))
    assert {name: text.count(f'id="gvd_jax.{name}"') for name in gvd.__all__} == dict.fromkeys(gvd.__all__, 1)


def test_experiments_notebooks_and_pages_use_what_the_api_has():
    """No file outside of the package imports what no page of the API tells of."""
    pages = "\n".join(page.read_text() for page in (DOCS / "api").glob("*.md"))
    listed = re.findall(r"^::: ([\w.]+)(?:\n    options:(?:\n      .*)*?members: \[(.*)\])?", pages, re.MULTILINE)
    told = {f"{name}.{member}" for name, members in listed for member in members.split(", ") if members}
    told |= {name for name, members in listed if not members}
    code = [path.read_text() for path in sorted((ROOT / "experiments").rglob("*.py"))]
    code += [block for _, _, block in CODE]
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text())["cells"]
        lines = (line for cell in cells if cell["cell_type"] == "code" for line in cell["source"])
        code += ["".join(f"{line.rstrip()}\n" for line in lines if not line.startswith("%"))]
    used = set()
    for node in (node for text in code for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)):
        if node.module and node.module.startswith("gvd_jax."):
            used |= {f"{node.module}.{alias.name}" for alias in node.names}
    assert {name for name in used if name not in told and name.rpartition(".")[0] not in told} == set()


def test_a_comment_on_a_field_or_a_constant_is_its_documentation(site):
    read = {name: (site / "api" / f"{name}.html").read_text() for name in ("subproblems", "deblurring")}
    assert "Eqs. (11)-(14)" in read["subproblems"]
    assert "the name of the stage" in read["deblurring"]


def test_no_page_asks_the_network(site):
    asks = re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"?(?:https?:)?//[^>]*>|(?:import|from|url\() *['\"]?https?:"
    )
    pages = [*site.rglob("*.html"), *site.glob("*.css")]
    assert len(pages) > 20
    assert {
        str(page.relative_to(site)): asks.findall(page.read_text()) for page in pages if asks.search(page.read_text())
    } == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_the_outputs_it_was_kept_with(site, path):
    cells = json.loads(path.read_text())["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    pictures = ["".join(data[kind]) for data in outputs for kind in data if kind.startswith("image/")]
    page = (site / "notebooks" / f"{path.stem}.html").read_text().replace("\n", "")
    assert len(pictures) > 0
    assert [picture[:40] for picture in pictures if picture.replace("\n", "") not in page] == []


def test_the_worked_examples_are_those_of_the_experiments(site):
    page = (site / "add_a_term.html").read_text()
    assert (DOCS / "add_a_term.md").read_text().count(EXAMPLES) == 3
    assert all(name in page for name in ("with_hyper_laplacian", "with_exposure_change", "with_camera_motion"))


@pytest.mark.parametrize(
    "page, number, code", CODE, ids=lambda value: value if isinstance(value, str) and len(value) < 30 else ""
)
def test_code_compiles_and_names_what_there_is(page, number, code):
    """Modules are there, and so are the names taken from them."""
    if code.startswith(EXAMPLES):
        return
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "gvd":
            assert hasattr(gvd, node.attr), node.attr


@pytest.mark.parametrize("page", RUN)
def test_marked_code_runs_and_prints_what_the_page_says(page, hurry):
    names, printed = {}, io.StringIO()
    with redirect_stdout(printed):
        for run, _, code in BLOCKS[page]:
            if run:
                exec(compile(code, page, "exec"), names)
    said = " ".join(code for _, kind, code in BLOCKS[page] if kind == "text")
    assert printed.getvalue().split() == said.split()


COMMANDS = [
    (page, match[1].split())
    for page, found in BLOCKS.items()
    for _, kind, code in found
    if kind == ""
    for match in re.finditer(r"^(?:\w+=\S+ )*gvd-jax ([^&#>\n]+)", code, re.MULTILINE)
]


@pytest.mark.parametrize(
    "page, arguments", COMMANDS, ids=lambda value: " ".join(value) if isinstance(value, list) else value
)
def test_a_printed_command_is_one(page, arguments):
    assert type(parse(arguments)).__name__.lower() == arguments[0]


def test_every_preset_is_explained():
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "which_preset.md").read_text(), re.MULTILINE)
    built = [name for name, member in vars(gvd.Config).items() if isinstance(member, staticmethod)]
    assert sorted(rows) == sorted(built) == sorted(get_args(get_args(Preset)[0]))


def test_every_command_named_in_the_text_exists():
    named = {name for page in PAGES for name in re.findall(r"`gvd-jax (\w+)[ `]", page.read_text())}
    for name in named:
        usage = io.StringIO()
        with pytest.raises(SystemExit, match="0"), redirect_stdout(usage):
            parse([name, "--help"])
        assert f"usage: gvd-jax {name} " in usage.getvalue()
