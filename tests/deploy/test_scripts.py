"""The shell scripts behind the Makefile."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "deploy"


def sh(script: str, *arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(SCRIPTS / script), *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def tools(folder: Path, **programs: str) -> str:
    """A PATH with only the given shell scripts."""
    folder.mkdir()
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_every_missing_program_is_named_with_its_package(tmp_path: Path) -> None:
    """Each in one sentence, all in one run; nothing is created."""
    done = sh("preflight.sh", "python3", folder=tmp_path, PATH=tools(tmp_path / "bin"))
    assert done.returncode == 1
    assert (
        "python3 is missing: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)."
        in done.stderr
    )
    assert "Node.js is missing" in done.stderr
    assert "npm is missing" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        ('case "$2" in *version_info*) exit 1;; esac; echo Python 3.9.2', "Python 3.9.2 is too old"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "apt-get install python3-venv"),
    ],
)
def test_an_unsuitable_python_is_named(tmp_path: Path, python: str, sentence: str) -> None:
    """Too old, or without venv as on a bare Debian."""
    path = tools(tmp_path / "bin", python3=python, node="exit 0", npm="exit 0")
    done = sh("preflight.sh", "python3", folder=tmp_path, PATH=path)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_an_old_node_is_named(tmp_path: Path) -> None:
    """With its version and the required one."""
    path = tools(tmp_path / "bin", python3="exit 0", node='[ "$1" = -e ] && exit 1; echo v18.20.4', npm="exit 0")
    done = sh("preflight.sh", "python3", folder=tmp_path, PATH=path)
    assert "Node.js v18.20.4 is too old: install Node.js 20.19 or newer" in done.stderr


def test_an_incomplete_environment_is_created_again(tmp_path: Path) -> None:
    """An interrupted installation leaves packages that look complete; the file .installing marks it."""
    (tmp_path / "deploy").symlink_to(SCRIPTS)
    making = '[ "$2" = venv ] || exit 0; mkdir -p "$3/bin"; ln -s /bin/true "$3/bin/python"'
    python = tools(tmp_path / "bin", python3=making) + "/python3"
    for leftover in (".installing", "half-a-package"):
        (tmp_path / ".venv").mkdir(exist_ok=True)
        (tmp_path / ".venv" / leftover).touch()
    done = sh("preflight.sh", python, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "incomplete or broken; it is created again" in done.stdout
    assert [path.name for path in (tmp_path / ".venv").iterdir()] == ["bin"]
    assert sh("preflight.sh", python, folder=tmp_path).stdout == ""


def test_a_step_is_quiet_unless_it_fails(tmp_path: Path) -> None:
    """Two lines for a success; the whole output and the status for a failure."""
    fine = sh("quietly.sh", "A step", "echo", "noise", folder=tmp_path)
    assert (fine.returncode, fine.stdout) == (0, "A step ...\nA step: done (0 s)\n")
    bad = sh("quietly.sh", "A step", "sh", "-c", "echo the reason; exit 7", folder=tmp_path)
    assert bad.returncode == 7
    assert "A step: failed with status 7" in bad.stdout
    assert "the reason" in bad.stdout


def test_the_chromium_of_the_setting_is_used_or_refused(tmp_path: Path) -> None:
    """A wrong CHROMIUM is never replaced silently."""
    path = tools(tmp_path / "bin", mine="exit 0", broken="exit 1")
    assert sh("chromium.sh", folder=tmp_path, CHROMIUM=f"{path}/mine").stdout == f"{path}/mine\n"
    refused = sh("chromium.sh", folder=tmp_path, CHROMIUM=f"{path}/broken")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "which does not start" in refused.stderr


def test_without_any_chromium_a_sentence_names_what_to_install(tmp_path: Path) -> None:
    """None on PATH, not root, and Playwright cannot install one: the test is not skipped silently."""
    programs = {"id": "echo 1000", "playwright": "exit 1"}
    path = tools(tmp_path / "bin", **programs)
    for tool in ("sh", "mktemp", "date", "cat", "rm"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    (tmp_path / "deploy").symlink_to(SCRIPTS)
    done = sh("chromium.sh", folder=tmp_path, PATH=path, CHROMIUM="")
    assert done.returncode == 1
    assert done.stderr.endswith("(Debian: apt-get install chromium), or set CHROMIUM to its path.\n")
