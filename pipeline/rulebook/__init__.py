"""What the stages go by: limits, severities and lists that an account's admins choose, read from one TOML file."""

from pipeline.rulebook.allowed_values import RuleName, Severity
from pipeline.rulebook.load import load_rulebook, shipped_rulebook
from pipeline.rulebook.tables import Rulebook

__all__ = ["RuleName", "Rulebook", "Severity", "load_rulebook", "shipped_rulebook"]
