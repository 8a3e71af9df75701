"""docs/faults.md names every test of tests/crash that proves a fault; test_pages.py checks what it names."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "faults.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# Of tests/crash, what proves no single fault of the table.
OTHER_FILES = {"test_interleavings.py"}
OTHER_TESTS = {
    "test_a_failed_stage_and_the_job_of_its_next_attempt_are_committed_together",
    "test_a_worker_killed_after_a_renewal_repeats_one_call",
    "test_every_stage_has_crash_points",
    "test_of_two_workers_that_claim_a_run_one_gets_it",
}


def test_each_test_of_a_fault_stands_in_the_fault_table() -> None:
    """Otherwise a reader of the table would not find the proof."""
    files = [file for file in (ROOT / "tests" / "crash").glob("test_*.py") if file.name not in OTHER_FILES]
    proofs = {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text())}
    assert proofs - OTHER_TESTS == {name for file, name in TEST.findall(PAGE.read_text()) if "tests/crash/" in file}
    assert proofs >= OTHER_TESTS
