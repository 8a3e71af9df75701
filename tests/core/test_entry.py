"""Our processes refuse a wrong setting with one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("module", ["pipeline", "scheduler"])
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"WORKER_CONCURRENCY": "many"}, "WORKER_CONCURRENCY: "),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "HUBSPOT_TOKEN": ""}, "HUBSPOT_TOKEN is not set."),
        ({"HUBSPOT_TOKEN": "pat-x"}, "No database: DATABASE_URL is not set"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_code_two(
    tmp_path: Path, module: str, settings: dict[str, str], sentence: str
) -> None:
    """Before anything is connected, and without a traceback."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    command = [sys.executable, "-m", module]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr
