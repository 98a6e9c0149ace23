"""The folder `.venv` is made once, renewed when the requirements change, and repaired after an interruption."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from stack import ROOT, environment
from stack.commands import COMMANDS
from stack.environment import is_fresh, make_environment, show_progress


class FakeInstaller:
    """A stand-in for venv and pip; with `fails` it fails once, as without a network."""

    def __init__(self, venv: Path) -> None:
        self.venv, self.calls, self.fails = venv, list[str](), False

    def run(self, _command: list[str], *, total: int = 0) -> None:
        self.calls.append("install" if total else "venv")
        (self.venv / "bin").mkdir(parents=True, exist_ok=True)
        (self.venv / "bin" / "python").touch()
        if total and self.fails:
            self.fails = False
            raise SystemExit("no network")


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeInstaller:
    venv = tmp_path / ".venv"
    (tmp_path / "requirements-run.txt").write_text("a==1 \\\n    --hash=sha256:00\nb[x]==2\n")
    (tmp_path / "requirements-dev.txt").write_text("a==1 \\\n    --hash=sha256:00\nb[x]==2\nc==3\n")
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(environment, "STAMP", venv / "sluice-stamp")
    monkeypatch.setattr(environment, "INSTALLING", venv / "sluice-installing")
    monkeypatch.setattr(environment, "RUN", tmp_path / "requirements-run.txt")
    monkeypatch.setattr(environment, "DEVELOPMENT", tmp_path / "requirements-dev.txt")
    fake = FakeInstaller(venv)
    monkeypatch.setattr(environment, "run", fake.run)
    monkeypatch.setattr(environment, "works", lambda: True)
    return fake


def test_the_environment_is_made_once(installer: FakeInstaller) -> None:
    assert not is_fresh(environment.RUN)
    make_environment(environment.RUN)
    make_environment(environment.RUN)
    assert is_fresh(environment.RUN)
    assert installer.calls == ["venv", "install"]


def test_changed_requirements_are_installed_in_place(installer: FakeInstaller) -> None:
    make_environment(environment.RUN)
    environment.RUN.write_text("a==2\n")
    assert not is_fresh(environment.RUN)
    make_environment(environment.RUN)
    assert installer.calls == ["venv", "install", "install"]


def test_a_command_that_runs_sluice_needs_no_development_tools(installer: FakeInstaller) -> None:
    make_environment(environment.RUN)
    assert not is_fresh(environment.DEVELOPMENT)
    make_environment(environment.DEVELOPMENT)
    assert is_fresh(environment.RUN), "the larger set serves both"
    make_environment(environment.RUN)
    assert installer.calls == ["venv", "install", "install"]


def test_only_the_tests_and_checks_need_development_tools() -> None:
    needing = {name for name, command in COMMANDS.items() if command.requirements == environment.DEVELOPMENT}
    assert needing == {"test", "check", "screenshots"}


def test_each_file_of_requirements_has_the_pins_of_the_smaller_ones() -> None:
    service, run, development = (
        set(pins((ROOT / f"requirements{name}.txt").read_text())) for name in ("", "-run", "-dev")
    )
    assert service < run < development


def pins(text: str) -> list[str]:
    """Return the pins of a file of requirements, each with its hashes."""
    return re.split(r"\n(?! )", text.strip())


def test_an_interrupted_installation_is_made_again(installer: FakeInstaller) -> None:
    installer.fails = True
    with pytest.raises(SystemExit, match="no network"):
        make_environment(environment.RUN)
    (installer.venv / "half-a-package").touch()
    make_environment(environment.RUN)
    assert is_fresh(environment.RUN)
    assert not (installer.venv / "half-a-package").exists()


def test_progress_counts_up_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    for count in range(1, 41):
        show_progress(count, 40, f"package{count}==1")
    assert capsys.readouterr().err == "  20/40\n  40/40\n"


def test_the_command_parses_on_an_old_python() -> None:
    """The command has no syntax that Python 2.7 or 3.4 cannot parse, so that they can print the required version."""
    tree = ast.parse((ROOT / "sluice").read_text(), feature_version=(3, 4))
    too_new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.arg, ast.AsyncFunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, too_new)]
