"""The stages that a run froze are read as they were stored."""

import orjson

from models.stages import StageName, dump_stages, load_stages

STAGES = (StageName("fetch", "Fetch"), StageName("write_back", "Write back: é"))


def test_stages_are_loaded_as_they_were_stored() -> None:
    """In their order, from the text or from the decoded JSON."""
    stored = dump_stages(STAGES)
    assert load_stages(stored) == STAGES
    assert load_stages(orjson.loads(stored)) == STAGES


def test_a_run_that_was_stored_with_more_about_a_stage_can_be_read() -> None:
    """By a release that knows the key and the label only."""
    assert load_stages([{"key": "fetch", "label": "Fetch", "since": "later"}]) == STAGES[:1]
