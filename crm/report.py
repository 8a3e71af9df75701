"""A report at the terminal: a line for each check, and whether all of them passed."""

from rich.console import Console


class Report:
    def __init__(self, console: Console) -> None:
        self._console = console
        self.is_well = True

    def good(self, text: str) -> None:
        self._line("✓", text, "green")

    def bad(self, text: str) -> None:
        self.is_well = False
        self._line("✗", text, "red")

    def note(self, text: str) -> None:
        self._line("-", text, "default")

    def _line(self, mark: str, text: str, style: str) -> None:
        # Text from HubSpot is never interpreted: neither as markup nor as control characters of the terminal.
        plain = "".join(character if character.isprintable() else " " for character in text)
        self._console.print(f"{mark} {plain}", style=style, markup=False, highlight=False, soft_wrap=True)
