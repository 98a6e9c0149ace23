"""Download programs for tests at their first use, and keep them below `.state`.

Debian's packages are unpacked and not installed, since nothing on this machine is to change. apt-get and npm are used
as this machine configures them.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from stack import StackError
from stack.processes import run_to_end
from stack.say import say

NEW_PACKAGE = re.compile(r"^Inst (\S+) \(", re.MULTILINE)
"""Matches a package that is not installed, in the output of a simulated installation."""
MISSING_LISTS = "Unable to locate package"


class Unavailable(Exception):
    """Raised with a reason when a program is not available on this machine."""


def provide(name: str, fill: Callable[[Path], None], *, below: Path) -> Path:
    """Return the folder `name` below a folder, which `fill` fills at its first use.

    It gets its name only when it is complete, so that an interrupted download is repeated. Raises Unavailable.
    """
    folder = below / name
    below.mkdir(parents=True, exist_ok=True)
    with (below / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            say(f"Downloading {name} into {folder} …")
            fresh = folder.with_name(f"{name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            try:
                fill(fresh)
            except (StackError, OSError, subprocess.SubprocessError) as error:
                raise Unavailable(f"{name} cannot be downloaded: {str(error).strip().splitlines()[-1]}") from error
            fresh.rename(folder)
    return folder


def unpack_debian(folder: Path, name: str, *others: str) -> None:
    """Unpack a Debian package, its dependencies that are not installed here, and some other packages.

    No file keeps a set-user-id bit: the programs run as the user who starts them, and the dynamic loader ignores
    LD_PRELOAD for such files.
    """
    for program in ("apt-get", "dpkg"):
        require_program(program)
    names = sorted({name, *others, *find_new_packages(name)})
    options = ["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30"]
    run_to_end(["apt-get", "download", *options, *names], environment=apt_environment(), folder=folder)
    for archive in folder.glob("*.deb"):
        run_to_end(["dpkg", "-x", str(archive), str(folder)], environment=apt_environment())
        archive.unlink()
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            path.chmod(mode & 0o777)


def find_new_packages(name: str) -> list[str]:
    """Return the names of the packages that `apt-get install` would add here. Nothing is installed.

    Where the lists of packages are missing, as in a fresh container, they are downloaded first; that needs root.
    """
    simulate = ["apt-get", "install", "--simulate", "--no-install-recommends", name]
    try:
        output = run_to_end(simulate, environment=apt_environment())
    except StackError as error:
        if MISSING_LISTS not in str(error):
            raise
        run_to_end(["apt-get", "update", "-q"], environment=apt_environment())
        output = run_to_end(simulate, environment=apt_environment())
    return NEW_PACKAGE.findall(output)


def apt_environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def install_from_npm(folder: Path, versions: dict[str, str]) -> None:
    """Install packages with their dependencies, without running their scripts."""
    for program in ("node", "npm"):
        require_program(program)
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": versions}))
    options = ["--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    patience = ["--fetch-retries=1", "--fetch-timeout=30000"]
    run_to_end(["npm", "install", *options, *patience], environment=os.environ, folder=folder)


def require_program(name: str) -> None:
    if not shutil.which(name):
        raise Unavailable(f"{name} is not installed")
