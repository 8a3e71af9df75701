"""The rules file: limits, severities and lists that the admins of an installation choose, in one TOML file."""

from pipeline.rulebook.allowed_values import RuleName, Severity
from pipeline.rulebook.load import load_rulebook, shipped_rulebook
from pipeline.rulebook.tables import Rulebook

__all__ = ["RuleName", "Rulebook", "Severity", "load_rulebook", "shipped_rulebook"]
