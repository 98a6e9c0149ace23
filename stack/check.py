"""Run every check of CI to its end and print a table: `./sluice check [--no-tests] [pytest arguments]`."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

from stack import ROOT
from stack.processes import die_with_parent
from stack.say import show
from stack.services import temporary_engines

PYTHON = sys.executable
QUIET = {"NO_MKDOCS_2_WARNING": "true"}
"""The variable that silences a notice about the successor of the tool in every build of the docs."""


class Step(NamedTuple):
    title: str
    command: list[str]


class Outcome(NamedTuple):
    title: str
    passed: bool
    seconds: float


def steps() -> list[Step]:
    """Return the checks, cheap ones first. They need an environment with a database."""
    return [
        Step("Style: ruff check", [PYTHON, "-m", "ruff", "check", ".", "sluice"]),
        Step("Format: ruff format", [PYTHON, "-m", "ruff", "format", "--check", ".", "sluice"]),
        Step("Spelling: codespell", [PYTHON, "-m", "codespell_lib"]),
        # Not --quiet: then warnings are not counted.
        Step("Docs: mkdocs", [PYTHON, "-m", "mkdocs", "build", "--strict"]),
        Step("Types: mypy", [PYTHON, "-m", "mypy"]),
        Step("Imports: import-linter", [PYTHON, "-c", "from importlinter.cli import lint_imports_command as c; c()"]),
        Step("Migrations complete", [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"]),
        Step("Deploy settings", [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]),
    ]


def main(arguments: list[str]) -> int:
    """Run all checks and return 1 when one failed."""
    with temporary_engines("sluice-check-", os.environ) as engines:
        environment = {**os.environ, **production_settings(), **engines.environment, **QUIET}
        outcomes = [run(step, environment) for step in steps()]
    if "--no-tests" not in arguments:
        outcomes.append(run(Step("Tests: pytest", [PYTHON, "-m", "pytest", *arguments]), os.environ))
    show(table(outcomes))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def production_settings() -> dict[str, str]:
    """Return the settings of a production behind a proxy that ends TLS, which the deploy checks are about."""
    return {"SECRET_KEY": secrets.token_urlsafe(64), "SECURE_PROXY": "true", "DEBUG": "false"}


def run(step: Step, environment: Mapping[str, str]) -> Outcome:
    show(f"\n== {step.title}")
    started = time.monotonic()
    guard = die_with_parent(signal.SIGTERM)
    has_passed = subprocess.run(step.command, cwd=ROOT, env=environment, preexec_fn=guard).returncode == 0
    return Outcome(step.title, has_passed, time.monotonic() - started)


def table(outcomes: list[Outcome]) -> str:
    rows = [
        f"  {'ok' if outcome.passed else 'FAILED':<8}{outcome.title:<28}{outcome.seconds:>7.1f} s"
        for outcome in outcomes
    ]
    return "\n".join(["", "== Summary", *rows])
