"""`./sluice` answers help, versions and mistakes with the bare system Python, before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack import ROOT, commands, migrating
from stack.commands import COMMANDS, main
from tests.examples import further
from tests.stack.launching import BARE

EVERY_HELP = """
import sys
from stack import commands
commands.enter_environment = lambda _: sys.exit("an environment was entered")
for name in commands.COMMANDS:
    try:
        commands.main([name, "--help"])
    except SystemExit as error:
        assert not error.code, error.code
assert not any("site-packages" in (getattr(module, "__file__", None) or "") for module in sys.modules.values())
"""


def test_help_of_every_command_needs_only_the_standard_library() -> None:
    """-S leaves out site-packages, so an import of a package would fail."""
    shown = subprocess.run([BARE, "-S", "-c", EVERY_HELP], cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert all(f"usage: sluice {name}" in shown.stdout for name in COMMANDS)


def test_an_unknown_command_is_named_and_a_similar_one_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    for name, hint in (("dokter", "Did you mean ./sluice doctor?"), ("xyz", "./sluice --help lists the commands.")):
        assert main([name]) == 2
        assert capsys.readouterr().err == f"sluice: '{name}' is not a command. {hint}\n"


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"Sluice \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_a_wrong_argument_is_refused_before_anything_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "enter_environment", lambda _: pytest.fail("an environment was entered"))
    for port in ("99999", "x", "-1"):
        with pytest.raises(SystemExit):
            main(["up", f"--port={port}"])
        assert f"'{port}' is not a port. Choose a number from 1 to 65535." in capsys.readouterr().err
    for arguments in (["chaos", "--minutes"], ["stop", "x", "--wait"], ["bench", "--contest-rounds"]):
        for number in ("nan", "inf", "-1", "x"):
            with pytest.raises(SystemExit):
                main([*arguments[:-1], f"{arguments[-1]}={number}"])
            assert f"'{number}' is not a" in capsys.readouterr().err


def test_migrations_are_counted_and_nothing_is_printed_without_any(capsys: pytest.CaptureFixture[str]) -> None:
    progress = migrating.Progress()
    progress.read("  No migrations to apply.\n")
    assert capsys.readouterr().err == ""
    for number in range(1, 41):
        progress.read(f"  Applying mailer.{number:04}_step... OK\n")
    progress.end()
    assert capsys.readouterr().err == "Migrating the database.\n  20 mailer.0020_step\n  40 mailer.0040_step\n"


@further
def test_manage_names_a_missing_variable_without_a_traceback(tmp_path: Path) -> None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    run = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr.startswith('Start-up failed: Environment variable "SECRET_KEY" not set.\n')
    assert "Traceback" not in run.stderr


def test_manage_without_packages_says_how_to_get_them(tmp_path: Path) -> None:
    shutil.copy(ROOT / "manage.py", tmp_path)
    run = subprocess.run([BARE, "-S", tmp_path / "manage.py"], capture_output=True, text=True)
    assert run.returncode == 1
    assert "Run any ./sluice command once to install them" in run.stderr
