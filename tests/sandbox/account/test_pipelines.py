"""Pipelines and the state that a stage gives a deal."""

from sandbox.account.pipelines import PIPELINES, RENEWALS, SALES, pipeline_of


def test_every_pipeline_has_one_won_and_one_lost_stage() -> None:
    """Both are closed; the other stages are open, and come first."""
    for pipeline in PIPELINES:
        won, lost = pipeline.closed_stage(won=True), pipeline.closed_stage(won=False)
        assert (won.is_closed, won.is_won, lost.is_closed, lost.is_won) == (True, True, True, False)
        assert pipeline.stages == (*pipeline.open_stages, won, lost)


def test_an_unknown_pipeline_is_the_default_one() -> None:
    """So is a missing one."""
    assert pipeline_of(RENEWALS.id) is RENEWALS
    assert pipeline_of("unknown") is pipeline_of(None) is SALES
