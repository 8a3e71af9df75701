"""The rules file: limits, severities and lists that the admins of an installation choose, in one TOML file."""

from pipeline.rulebook.allowed_values import RuleName, Severity
from pipeline.rulebook.load import load_rulebook, shipped_rulebook
from pipeline.rulebook.reads import READS, read_by_rules
from pipeline.rulebook.tables import Rulebook

__all__ = ["READS", "RuleName", "Rulebook", "Severity", "load_rulebook", "read_by_rules", "shipped_rulebook"]
