"""The rules file: the shipped one is complete, another overrides it, and a mistake is reported with file and key."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from core.errors import ConfigurationError
from core.settings import Settings
from pipeline.rulebook import load_rulebook, shipped_rulebook
from pipeline.rulebook.allowed_values import HandOffItem, Redactable, RuleName
from pipeline.rulebook.load import SHIPPED
from pipeline.rulebook.tables import Rulebook
from pipeline.worker.entry import run_worker

PAGE = Path(__file__).parents[3] / "docs" / "stages.md"


def keys() -> set[str]:
    """`table.key` of every table with fixed keys."""
    tables = {name: field.annotation for name, field in Rulebook.model_fields.items()}
    fixed = {f"{name}.{key}" for name, table in tables.items() for key in getattr(table, "model_fields", ())}
    return fixed | {f"severity.{rule}" for rule in get_args(RuleName)}


def test_the_shipped_file_holds_every_key_and_no_other() -> None:
    written = tomllib.loads(SHIPPED.read_text())
    assert {f"{table}.{key}" for table, values in written.items() for key in values} == keys() | {"route.*"}
    assert set(written) == set(Rulebook.model_fields)


def test_the_shipped_file_names_every_allowed_value() -> None:
    """In its comments: a person who edits it needs no other page."""
    text = SHIPPED.read_text()
    assert [word for word in (*get_args(Redactable), *get_args(HandOffItem)) if word not in text] == []


def test_the_page_documents_every_key() -> None:
    documented = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(keys())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def test_a_rules_file_overrides_the_shipped_rules(file: Path) -> None:
    """A table keeps its other keys; a list is replaced."""
    file.write_text('[severity]\nstalled = "off"\n[companies]\nfree_mail = ["post.example"]\n[route]\n748 = ["7"]\n')
    rulebook, shipped = load_rulebook(file), shipped_rulebook()
    assert rulebook.severity == {**shipped.severity, "stalled": "off"}
    assert rulebook.companies.free_mail == {"post.example"}
    assert rulebook.companies.domains_searched == shipped.companies.domains_searched
    assert rulebook.route == {"*": [], "748": ["7"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[severity]\nname_mising = "high"', r"severity\.name_mising: Input should be 'name_missing', "),
        ('[severity]\nstalled = "bad"', r"severity\.stalled: Input should be 'high', 'medium', 'low', 'info' or 'off'"),
        ("[limits]\nstaled = 1", r"limits\.staled: there is no such key; allowed are stalled_after_days, "),
        ("[limits]\nstalled_after_days = 0", r"limits\.stalled_after_days: Input should be greater than 0"),
        ("[stages]", r"stages: there is no such key; allowed are severity, required, "),
        (
            '[required.default]\nwon = ["budget"]',
            r"required\.default\.won\.0: .* budget is not read; allowed are ",
        ),
        ('[companies]\nfree_mail = ["@GMail.com"]', r"companies\.free_mail\.0: @GMail\.com is not a domain"),
        ('[stored]\nredact = ["deal.amount"]', r"stored\.redact\.0: Input should be 'contact\.email', "),
        ("severity = 3", r"severity: Input should be a table\."),
        ("limits = 3", r"limits: Input should be a table\."),
        ('[companies]\nfree_mail = "gmail.com"', r"companies\.free_mail: Input should be a list\."),
        ('[route]\n"*" = "7"', r"route\.\*: Input should be a list\."),
        ("[duplicates]\nname_weight=0\namount_weight=0\ncreated_weight=0", r"duplicates: .* must not all be 0"),
        ("[limits]\nlong_in_stage_days =", r"is not TOML: Invalid value"),
    ],
)
def test_a_mistake_is_reported_with_file_key_and_what_is_allowed(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words) as raised:
        load_rulebook(file)
    assert f"RULES_FILE {file}" in str(raised.value)


async def test_the_worker_reports_a_mistake_before_it_connects(file: Path) -> None:
    """A file that does not exist is a mistake too."""
    settings = Settings(rules_file=file, database_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(ConfigurationError, match=r"RULES_FILE .*rules\.toml cannot be read: No such file"):
        await run_worker(settings)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("# Verträge\n".encode("cp1252"), "cannot be read: the byte 0xE4 in line 1 is not UTF-8 text."),
        ("[limits]\n".encode("utf-16"), "cannot be read: it is UTF-16 text. Save it as UTF-8."),
        (b"x = " + b"[" * 5_000, "is not TOML: its values are nested too deeply."),
    ],
)
def test_a_file_that_is_not_text_is_a_mistake(file: Path, content: bytes, why: str) -> None:
    """As is what is not a file at all; a byte order mark is none."""
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        load_rulebook(file)
    assert str(raised.value).startswith(f"RULES_FILE {file} {why}")
    with pytest.raises(ConfigurationError, match="cannot be read: it is a folder"):
        load_rulebook(file.parent)
    file.write_bytes(b"\xef\xbb\xbf[limits]\nlong_in_stage_days = 7\n")
    assert load_rulebook(file).limits.long_in_stage_days == 7
