"""The rules of this repository that no linter can check."""

import ast
import re
import statistics
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from core.settings import Settings
from crm.scopes import READING, WRITING

ROOT = Path(__file__).parent.parent
ROOMS = (
    "api",
    "bench",
    "core",
    "crm",
    "deploy",
    "migrations",
    "models",
    "pipeline",
    "resolvers",
    "sandbox",
    "scheduler",
    "schema",
)
LONGEST_FILE = 250
LONGEST_CLIENT_FILE = 200
LONGEST_FUNCTION = 40
LONGEST_MEDIAN = 8
FORBIDDEN_NAMES = {"utils", "util", "helpers", "services", "service", "common", "misc"}

# Modules with errors of the database drivers, and other names that they export.
DRIVER_ERRORS = r"(sqlalchemy\.exc|asyncpg|psycopg|psycopg_pool)(\.|$)"
CONNECTIONS = {"AsyncConnection", "Connection"}

type_of_function = ast.FunctionDef | ast.AsyncFunctionDef


def tracked(*patterns: str) -> list[Path]:
    """Files that git tracks or would add; no build products."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.splitlines() if (path := ROOT / name).is_file()]


def product_files() -> list[Path]:
    return [path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in ROOMS]


def functions(paths: list[Path]) -> Iterator[tuple[Path, type_of_function]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def length(function: type_of_function) -> int:
    """Lines of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def is_migration(path: Path) -> bool:
    return "versions" in path.parts


def test_no_python_file_is_too_long() -> None:
    """At most 250 lines; a longer file holds two ideas."""
    long = {str(path): len(path.read_text().splitlines()) for path in tracked("*.py") if not is_migration(path)}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_no_client_file_is_too_long() -> None:
    """At most 200 lines, except for generated code."""
    files = [path for path in tracked("web/src/*.ts", "web/src/*.tsx") if "gql" not in path.parts]
    assert files, "web/src holds no TypeScript"
    lines = {str(path): len(path.read_text().splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > LONGEST_CLIENT_FILE} == {}


def test_functions_are_short() -> None:
    """Half of them under eight lines, none over forty."""
    lengths = [
        (length(node), f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
        for path, node in functions(product_files())
        if not is_migration(path)
    ]
    assert statistics.median(count for count, _ in lengths) < LONGEST_MEDIAN
    assert [name for count, name in lengths if count > LONGEST_FUNCTION] == []


def test_nothing_is_imported_inside_a_function() -> None:
    """An import cycle means that something stands in the wrong module."""
    inner = [
        f"{path.relative_to(ROOT)}:{statement.lineno}"
        for path, node in functions(product_files())
        for statement in ast.walk(node)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


def test_no_file_has_a_meaningless_name() -> None:
    """`utils` and similar names collect code without a subject."""
    assert [str(path) for path in tracked("*.py", "*.ts", "*.tsx") if path.stem.lower() in FORBIDDEN_NAMES] == []


def test_the_schema_reaches_only_the_operations_of_the_pipeline() -> None:
    """The import contract must list every other module of the pipeline, new ones too."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [one for one in contracts if one["name"].startswith("The schema reaches")]
    modules = {
        f"pipeline.{path.stem}"
        for path in (ROOT / "pipeline").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem not in {"__init__", "operations"}
    }
    assert set(contract["forbidden_modules"]) == modules


def test_every_module_has_a_docstring() -> None:
    """Each module begins with a docstring."""
    assert [str(path) for path in product_files() if not ast.get_docstring(ast.parse(path.read_text()))] == []


@pytest.mark.parametrize("page", ["README.md", ".env.example"])
def test_every_setting_is_documented(page: str) -> None:
    """Every setting is documented, and no setting that was removed."""
    text = (ROOT / page).read_text()
    names = {name.upper() for name in Settings.model_fields}
    pattern = r"^\| `([A-Z_]+)` \|" if page.endswith(".md") else r"^#? ?([A-Z_]+)="
    assert set(re.findall(pattern, text, re.MULTILINE)) == names


def test_every_scope_of_the_token_is_documented() -> None:
    """Scopes for reading where the token is created, scopes for writing where write-back is switched on."""
    reading, writing = (ROOT / "README.md").read_text().split("Nothing is written to HubSpot", 1)
    for text, scopes in ((reading, READING), (writing, WRITING)):
        assert set(re.findall(r"`(crm\.[a-z_.]+)`", text)) == {scope.name for scope in scopes}


RUN_TABLES = ("pipeline_runs", "steps", "step_attempts", "deals")
RUN_ENTITIES = ("PipelineRun", "Step", "StepAttempt", "Deal")
_WRITES_RUNS = re.compile(
    rf"\b(UPDATE|INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO)\s+(ONLY\s+)?({'|'.join(RUN_TABLES)})\b"
    rf"|\b(update|insert|delete)\(\s*({'|'.join(RUN_ENTITIES)})\b"
)


def run_writes(paths: list[Path]) -> list[str]:
    """Where statements on runs, steps, attempts or deals stand: `file:line`."""
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
        for path in paths
        for text in [path.read_text()]
        for found in _WRITES_RUNS.finditer(text)
    ]


def test_the_life_of_a_run_has_one_owner() -> None:
    """Only pipeline/runs/ writes runs, steps, attempts and deals; the purge deletes by the name of the table."""
    owner = ROOT / "pipeline" / "runs"
    elsewhere = [path for path in product_files() if owner not in path.parents]
    kept_apart = {"migrations", "bench"}
    assert run_writes([path for path in elsewhere if path.relative_to(ROOT).parts[0] not in kept_apart]) == []
    assert run_writes(list(owner.glob("*.py"))), "the pattern finds no statement at all"


# A table and the GraphQL type that shows it may share a name.
SHOWN_BY_GRAPHQL = {"Deal", "Run", "Step", "SyncReject"}


def test_no_two_classes_share_a_name() -> None:
    """A name has one meaning. Excepted is the sandbox: it simulates HubSpot and shares no module with ours."""
    found: dict[str, list[str]] = {}
    for path in product_files():
        if path.relative_to(ROOT).parts[0] != "sandbox":
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1 and name not in SHOWN_BY_GRAPHQL} == {}


def test_no_installed_package_owns_one_of_our_names() -> None:
    """`schema` and `models` are common words: a dependency of that name would be imported instead of ours."""
    owners = packages_distributions()
    assert {room: owners[room] for room in ROOMS if room in owners and owners[room] != ["deal-queue"]} == {}


def test_silenced_checks_say_which_and_why() -> None:
    """A comment that silences a check names the rule, so that it silences nothing else."""
    # Concatenated, so that the pattern does not match this file.
    bare = re.compile("# " + r"type: ignore(?!\[)|# " + r"noqa(?!: [A-Z])")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []


def test_only_core_knows_the_errors_of_the_database_drivers() -> None:
    """Other code catches DatabaseUnavailable, and of the drivers' errors only those of a violated constraint.

    migrations/ and deploy/ use drivers directly; the databases of sandbox/ and bench/ are not the product's.
    """
    allowed = {"IntegrityError", "UniqueViolationError"}
    elsewhere = {"core", "migrations", "deploy", "sandbox", "bench"}
    files = [path for path in product_files() if path.relative_to(ROOT).parts[0] not in elsewhere]
    found = {str(path.relative_to(ROOT)): names for path in files if (names := _driver_errors(path) - allowed)}
    assert found == {}


def _driver_errors(path: Path) -> set[str]:
    """Every name that the module imports from the error modules of the drivers and SQLAlchemy."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and re.match(DRIVER_ERRORS, node.module or ""):
            names |= {alias.name for alias in node.names if alias.name not in CONNECTIONS}
        elif isinstance(node, ast.ImportFrom) and node.module == "sqlalchemy":
            names |= {alias.name for alias in node.names if alias.name == "exc"}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if re.match(DRIVER_ERRORS, alias.name)}
    return names


def test_locks_name_no_registry() -> None:
    """Requirements carry hashes and no index; package-lock.json no download address."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"index-url|find-links|https?://", text), name
    assert '"resolved"' not in (ROOT / "web" / "package-lock.json").read_text()
    assert not (ROOT / "uv.lock").exists()
