"""The names of stages: those of this release, and those that a run froze when it was created.

Stored in `pipeline_runs.stages` as [{"key": "fetch", "label": "Fetch"}, ...], in the order in which the stages run.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson


class StageName(NamedTuple):
    """`key` is stored and never changes its meaning; `label` is what people read."""

    key: str
    label: str


StageNames = tuple[StageName, ...]


def dump_stages(stages: StageNames) -> str:
    """As they are stored."""
    return orjson.dumps([stage._asdict() for stage in stages]).decode()


def load_stages(stored: str | Iterable[Mapping[str, str]]) -> StageNames:
    """From what is stored, as text or already decoded."""
    decoded = orjson.loads(stored) if isinstance(stored, str) else stored
    return tuple(StageName(stage["key"], stage["label"]) for stage in decoded)
