"""`python -m scheduler`: what its options do, and its exit codes."""

import subprocess
import sys
from pathlib import Path

from tests.completeness.account import account
from tests.installation import ROOT

DEALS = 12


def scheduler(folder: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scheduler", *options],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "120", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_only_one_sync_can_be_chosen(tmp_path: Path) -> None:
    """In one sentence, with exit code 2."""
    done = scheduler(tmp_path, "--once", "--backfill")
    assert (done.returncode, done.stderr) == (2, "Choose one of --once, --backfill and --reconcile.\n")


def test_once_syncs_and_exits(tmp_path: Path, database_url: str) -> None:
    """0 when the sync succeeded, 1 when it failed; the summary reports what it did."""
    with account(deals=DEALS) as hubspot:
        settings = {"DATABASE_URL": database_url, "HUBSPOT_BASE_URL": hubspot.url, "HUBSPOT_TOKEN": hubspot.token}
        done = scheduler(tmp_path, "--once", **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{DEALS} seen, {DEALS} new." in done.stdout
        refused = scheduler(tmp_path, "--reconcile", **(settings | {"HUBSPOT_TOKEN": "pat-na1-another"}))
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "Reconcile failed" in refused.stdout


def test_the_help_names_each_option(tmp_path: Path) -> None:
    """With a sentence about it."""
    done = scheduler(tmp_path, "--help")
    assert done.returncode == 0
    assert all(f"--{option}" in done.stdout for option in ("once", "backfill", "reconcile"))
