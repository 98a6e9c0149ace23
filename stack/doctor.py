"""Check the launcher's parts, and then run `manage.py doctor`: the command `./sluice doctor`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from stack import ROOT, StackError, parsers
from stack.binaries import find_postgresql, find_valkey, read_version
from stack.environment import DEVELOPMENT, RUN, is_fresh
from stack.folders import is_locked
from stack.say import show


def main(arguments: list[str]) -> int:
    """Run all checks and return 0 when no problem was found."""
    state = parsers.doctor().parse_args(arguments).state.absolute()
    healthy = [report(title, check) for title, check in checks(state).items()]
    environment = product_environment(state)
    if environment is None:
        show("--   product      not checked: no stack runs here, and DATABASE_URL is not set")
        return 1
    product = subprocess.run([sys.executable, "manage.py", "doctor"], cwd=ROOT, env=environment)
    return 0 if all(healthy) and product.returncode == 0 else 1


def checks(state: Path) -> dict[str, Callable[[], str]]:
    """Return the checks by title. Each returns its finding or raises StackError."""
    return {
        "python": platform.python_version,
        "environment": check_environment,
        "postgresql": lambda: check_postgresql(os.environ),
        "valkey": lambda: check_valkey(os.environ),
        "stack": lambda: check_stack(state),
    }


def report(title: str, check: Callable[[], str]) -> bool:
    try:
        show(f"ok   {title:<12} {check()}")
    except StackError as error:
        show(f"BAD  {title:<12} {error}")
        return False
    return True


def check_environment() -> str:
    if not is_fresh(RUN):
        raise StackError(f".venv does not match {RUN.name}. Run any ./sluice command to update it.")
    return f".venv matches {(DEVELOPMENT if is_fresh(DEVELOPMENT) else RUN).name}"


def check_postgresql(environ: Mapping[str, str]) -> str:
    if environ.get("DATABASE_URL"):
        return "from DATABASE_URL"
    folder = find_postgresql(environ)
    return f"{read_version(folder / 'postgres')}, {folder}"


def check_valkey(environ: Mapping[str, str]) -> str:
    if environ.get("REDIS_URL"):
        return "from REDIS_URL"
    program = find_valkey(environ)
    return f"{read_version(program)}, {program}"


def check_stack(state: Path) -> str:
    """Check the stack. If the environment names a database, no stack has to run here."""
    if is_locked(state):
        return f"running in {state}, pid {(state / 'lock').read_text().strip()}"
    if os.environ.get("DATABASE_URL"):
        return "not running; DATABASE_URL names a database"
    raise StackError(f"No stack runs in {state}. Start it with ./sluice up, or name its folder with --state.")


def product_environment(state: Path) -> dict[str, str] | None:
    """Return the environment of the stack in the folder, else of this process; None if neither names a database."""
    try:
        saved = json.loads((state / "environment.json").read_text()) if is_locked(state) else {}
    except OSError:
        saved = {}
    environment = {**os.environ, **saved}
    return environment if environment.get("DATABASE_URL") else None
