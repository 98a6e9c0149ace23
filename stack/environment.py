"""Make the Python environment `.venv` from a hashed file of requirements, at the first use of `./sluice`.

A command that runs Sluice needs requirements-run.txt; the tests and checks need requirements-dev.txt, which contains
the other file. An environment with the larger set serves both.

This module runs on the bare system Python, so it imports nothing outside the standard library. `.venv/sluice-stamp`
has the hash of the installed file and is written last: a changed file is installed again, in place.
`.venv/sluice-installing` exists while pip or uv runs. If it is found later, the installation was interrupted and a
package may be incomplete, so the environment is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack import ROOT
from stack.processes import die_with_parent
from stack.say import say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUN = ROOT / "requirements-run.txt"
DEVELOPMENT = ROOT / "requirements-dev.txt"
STAMP = VENV / "sluice-stamp"
INSTALLING = VENV / "sluice-installing"


def enter_environment(requirements: Path) -> None:
    """Return when running inside an up-to-date `.venv`; otherwise make it and start this command again inside it."""
    if not is_fresh(requirements):
        if is_inside():
            restart_with(Path(getattr(sys, "_base_executable", sys.executable)))
        make_environment(requirements)
    if not is_inside():
        restart_with(PYTHON)


def is_inside() -> bool:
    return Path(sys.prefix).resolve() == VENV.resolve()


def is_fresh(requirements: Path) -> bool:
    """Return whether everything that this file asks for is installed."""
    try:
        is_installed = STAMP.read_text() in {stamp_of(requirements), stamp_of(DEVELOPMENT)}
        return is_installed and not INSTALLING.exists() and PYTHON.exists()
    except OSError:
        return False


def stamp_of(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def restart_with(python: Path) -> None:
    """Replace this process. The bytecode switch is dropped: with it every start compiles 2,000 files again."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    os.execve(python, [str(python), str(ROOT / "sluice"), *sys.argv[1:]], environ)


def make_environment(requirements: Path) -> None:
    """Make or renew `.venv`; of two first uses at the same time one waits for the other."""
    with only_one():
        if is_fresh(requirements):
            return
        started = time.monotonic()
        make_folder()
        INSTALLING.touch()
        try:
            install(requirements)
        except KeyboardInterrupt:
            sys.exit("\nInterrupted. The next ./sluice command starts the installation again.")
        STAMP.write_text(stamp_of(requirements))
        INSTALLING.unlink()
        say("Python environment ready in %.0f s." % (time.monotonic() - started))


@contextmanager
def only_one() -> Iterator[None]:
    """Lock a requirements file, which always exists and can be locked through a read-only handle."""
    with RUN.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another ./sluice command is installing the Python environment; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_folder() -> None:
    """Make the environment. A complete one is only updated; a broken or incomplete one is made again."""
    if INSTALLING.exists() or (VENV.exists() and not works()):
        say("The Python environment in .venv is incomplete; installing it again.")
        shutil.rmtree(VENV)
    if VENV.exists():
        return
    # Always without pip: ensurepip is missing on Debian without python3-venv, and slow elsewhere.
    run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])


def works() -> bool:
    """Return False if the Python from which it was made was removed, or was replaced by another version."""
    try:
        return subprocess.run([PYTHON, "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def install(requirements: Path) -> None:
    """Install by uv if it is there, else by the pip in vendor/ (see vendor/README.md).

    Both byte-compile, or the first start would take 5 s more.
    """
    total = len(re.findall(r"^[A-Za-z0-9_.\[\]-]+==", requirements.read_text(), flags=re.MULTILINE))
    uv = shutil.which("uv")
    say(f"Installing about {total} Python packages into .venv with {'uv' if uv else 'pip'} (once, about 40 MB).")
    requirement_options = ["--require-hashes", "-r", str(requirements)]
    if uv:
        run([uv, "pip", "install", "--python", str(PYTHON), "--compile-bytecode", *requirement_options], total=total)
    else:
        pip = next((ROOT / "vendor").glob("pip-*.whl")) / "pip"
        options = ["--no-input", "--disable-pip-version-check", "--progress-bar=off", "--root-user-action=ignore"]
        run([str(PYTHON), str(pip), "install", "--compile", *options, *requirement_options], total=total)


def run(command: list[str], *, total: int = 0) -> None:
    """Run a command to its end and count pip's packages; exit with its last lines when it fails."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    last: deque[str] = deque(maxlen=25)
    process = subprocess.Popen(
        command,
        env=environ,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    assert process.stdout is not None
    with process:
        count = 0
        for line in process.stdout:
            last.append(line)
            if line.startswith(("Collecting ", "Processing ")):
                count += 1
                show_progress(count, total, Path(line.split()[1]).name)
    if process.returncode != 0:
        sys.exit(
            "".join(last) + "The Python environment could not be installed, see above. Run ./sluice again to retry."
        )


def show_progress(count: int, total: int, package: str) -> None:
    """Print one line that counts up on a terminal, or every twentieth package in a log."""
    name = package.split("==")[0]
    if sys.stderr.isatty():
        say(f"\r  {count}/{total} {name:<40}", end="\n" if count == total else "")
    elif count % 20 == 0:
        say(f"  {count}/{total}")
