"""What the documentation points at exists: pages, headings, files, tests."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from core.settings import Settings
from tests.docs.pages import PAGES, ROOT, anchors, links, prose

FAULTS = ROOT / "docs" / "faults.md"
DECISIONS = ROOT / "docs" / "decisions"
# The changelog tells what was; a file of an earlier release may be gone.
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# A path in code: a folder of ours and a file in it, or a folder that ends with a slash.
_PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w.-]+\.(?:py|md|toml|graphql|conf|sh|sql))?)`")


def place(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=place)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file of the repository, and to a heading of it where the link names one."""
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PRESENT, ids=place)
def test_files_that_a_page_names_exist(page: Path) -> None:
    """`pipeline/queue.py` in the text is such a file, `pipeline/runs/` such a folder."""
    rooms = {entry.name for entry in ROOT.iterdir()}
    named = [path for path in _PATH.findall(prose(page)) if path.split("/")[0] in rooms]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_tests_that_prove_a_fault_exist() -> None:
    """Each test that docs/faults.md names is a function of that file."""
    named = _TEST.findall(FAULTS.read_text())
    assert named, "docs/faults.md names no test"
    assert [f"{file}::{name}" for file, name in named if name not in _functions(ROOT / file)] == []


def test_every_fault_has_a_number_and_a_proof() -> None:
    """The numbers follow each other; a row without a test says that there is none yet."""
    rows = [line.split(" | ") for line in FAULTS.read_text().splitlines() if re.match(r"\| \d", line)]
    assert [int(row[0].strip("| ")) for row in rows] == list(range(1, len(rows) + 1))
    assert [row[0] for row in rows if not _TEST.search(row[-1]) and "No test yet" not in row[-1]] == []


def test_each_file_of_the_walk_appears_once() -> None:
    """docs/architecture.md follows a deal through the files, one a line."""
    walk = (ROOT / "docs" / "architecture.md").read_text().split("\n## A deal, from HubSpot's page to the pixel\n")[1]
    files = re.findall(r"^\| `([\w./-]+)` \|", walk.split("\n## ")[0], re.MULTILINE)
    assert len(files) > 20
    assert len(files) == len(set(files))


def test_the_settings_are_described_in_the_words_of_the_code() -> None:
    """The table of README.md has each setting's description, and may add the values that it can have."""
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| .*? \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE))
    described = {name.upper(): field.description or "" for name, field in Settings.model_fields.items()}
    assert [name for name, words in described.items() if not rows[name].startswith(words)] == []


def test_every_decision_is_in_the_index() -> None:
    """And the index explains the numbers that are missing."""
    index = (DECISIONS / "README.md").read_text()
    numbers = [page.name[:4] for page in sorted(DECISIONS.glob("0*.md"))]
    assert [page.name for page in DECISIONS.glob("0*.md") if f"]({page.name})" not in index] == []
    missing = {f"{number:04}" for number in range(1, int(numbers[-1]))} - set(numbers)
    assert [number for number in sorted(missing) if number not in index] == []


def test_the_glossary_is_sorted() -> None:
    """So that a word is found, and stands once."""
    sections = (ROOT / "docs" / "glossary.md").read_text().split("\n## ")[1:]
    words = [re.findall(r"^- \*\*(.+?)\*\* — ", section, re.MULTILINE) for section in sections]
    assert [found for found in words if found != sorted(found, key=str.lower)] == []
    every = [word for found in words for word in found]
    assert len(every) == len(set(every))


def _functions(file: Path) -> set[str]:
    if not file.is_file():
        return set()
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
