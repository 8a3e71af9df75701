"""What the stages go by: limits, severities and lists that an account's admins choose, read from one TOML file."""

from pipeline.rulebook.load import load_rulebook, shipped_rulebook
from pipeline.rulebook.shape import Rulebook
from pipeline.rulebook.words import RuleName, Severity

__all__ = ["RuleName", "Rulebook", "Severity", "load_rulebook", "shipped_rulebook"]
