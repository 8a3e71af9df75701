"""By its marker a note or task of Deal Queue is found again, with the step and the findings that it was written for."""

from datetime import UTC, datetime

from crm.records import CrmRecord
from pipeline.rulebook import Severity
from pipeline.stages.findings import Finding
from pipeline.stages.write_back.markers import findings_digest, marked_records, marker


def finding(rule: str, message: str = "A sentence.") -> Finding:
    return Finding(rule=rule, severity=Severity.LOW, property="amount", message=message)


def task(identifier: str, text: str | None, **properties: str) -> CrmRecord:
    return CrmRecord(identifier, {"hs_task_body": text, **properties}, archived=False)


def test_the_digest_depends_on_rules_and_properties_only() -> None:
    """Neither on messages, which may count days, nor on the order."""
    one, other = finding("stalled"), finding("amount_missing")
    assert findings_digest([one, other]) == findings_digest([other, finding("stalled", "31 days.")])
    assert findings_digest([one]) != findings_digest([other])
    assert len(findings_digest([])) == 12


def test_marked_records_are_newest_first() -> None:
    """Records without a marker are not ours; a completed task is not open."""
    digest = findings_digest([])
    found = marked_records(
        [
            task("7", f"<p>{marker('12:write_back', digest)}</p>", hs_timestamp="2026-11-01T00:00:00Z"),
            task("8", "Deal Queue is a fine program."),
            task("9", None),
            task("10", marker("13:write_back", digest), hs_timestamp="2026-11-02", hs_task_status="COMPLETED"),
        ],
        "hs_task_body",
    )
    assert [(ours.id, ours.key, ours.digest, ours.is_open) for ours in found] == [
        ("10", "13:write_back", digest, False),
        ("7", "12:write_back", digest, True),
    ]
    assert found[0].at == datetime(2026, 11, 2, tzinfo=UTC)


def test_of_records_without_a_time_the_highest_id_is_the_newest() -> None:
    text = marker("12:write_back", findings_digest([]))
    assert [ours.id for ours in marked_records([task("9", text), task("10", text)], "hs_task_body")] == ["10", "9"]
