"""Lines for people at a terminal: what is well, what is not, and whether all is."""

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
        # What HubSpot says is shown as text: no markup of ours, no control characters of a terminal.
        plain = "".join(character if character.isprintable() else " " for character in text)
        self._console.print(f"{mark} {plain}", style=style, markup=False, highlight=False, soft_wrap=True)
