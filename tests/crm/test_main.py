"""`python -m crm` without a usable setting or command."""

import os
import subprocess
import sys
from pathlib import Path

from tests.installation import ROOT


def test_a_missing_token_is_reported(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "crm", "check"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("HUBSPOT_TOKEN is not set.")
