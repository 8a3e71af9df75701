"""The tables of the rules file accept only values that every deal can be checked with."""

import re
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from pipeline.rulebook import load_rulebook, shipped_rulebook
from pipeline.rulebook.tables import Rulebook


@pytest.mark.parametrize(
    "text",
    [
        "[limits]\nstalled_after_days = 1_000_000_000",
        "[limits]\nlong_in_stage_days = 1_000_000_000",
        "[limits]\nslow_in_stage_at_least_days = 1_000_000_000",
        "[limits]\nslow_in_stage_times = inf",
        "[duplicates]\ncreated_within_days = 1_000_000_000",
        "[duplicates]\nname_weight = inf",
        "[task]\ndue_after_days = 1_000_000_000",
    ],
)
def test_values_that_would_overflow_are_refused(tmp_path: Path, text: str) -> None:
    """Otherwise each deal would fail with an error that names no key."""
    file = tmp_path / "rules.toml"
    file.write_text(text)
    table, key = re.findall(r"\w+", text)[:2]
    with pytest.raises(ConfigurationError, match=rf"{table}\.{key}: Input should be less than or equal to \d+\."):
        load_rulebook(file)


def test_closed_deals_need_a_weight_too() -> None:
    """A next step only counts for open deals."""
    completeness = {**dict.fromkeys(shipped_rulebook().completeness.model_dump(), 0), "next_step": 10}
    with pytest.raises(ValueError, match="at least one weight other than next_step must be above 0"):
        Rulebook.model_validate({**shipped_rulebook().model_dump(), "completeness": completeness})


def test_every_rule_needs_a_severity() -> None:
    with pytest.raises(ValueError, match="severity lacks name_missing, amount_missing, "):
        Rulebook.model_validate({**shipped_rulebook().model_dump(), "severity": {}})
