"""Make a private environment for each peer at its first use, under `.bench`."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.contestants import Unavailable
from stack import ROOT, StackError
from stack.folders import locked
from stack.processes import run_to_end
from stack.say import say

FOLDER = ROOT / ".bench"


def python_environment(home: Path) -> Path:
    """Return the Python in which the pins of `home/requirements.txt` are installed. Raises Unavailable."""
    return made(home.name, home / "requirements.txt", install_python) / "bin" / "python"


def node_environment(home: Path) -> Path:
    """Return the folder in which the pins of `home/package.json` are installed. Raises Unavailable."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise Unavailable("it needs node and npm, which are not installed")
    return made(home.name, home / "package.json", install_node)


def made(name: str, pins: Path, install: Callable[[Path, Path], None]) -> Path:
    """Return the folder of exactly these versions. One that is incomplete or has other versions is removed."""
    folder = FOLDER / f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    done = folder / "complete"
    with locked(FOLDER):
        if not done.exists():
            say(f"Installing the dependencies of {name} into {folder}, once …")
            for old in FOLDER.glob(f"{name}-*"):
                shutil.rmtree(old)
            folder.mkdir()
            try:
                install(folder, pins)
            except (StackError, OSError, subprocess.SubprocessError) as error:
                raise Unavailable(f"it cannot be installed: {reason_in(str(error))}") from error
            done.touch()
    return folder


def install_python(folder: Path, pins: Path) -> None:
    """Install by the pip in vendor/, with the configuration of this machine."""
    run_to_end([sys.executable, "-m", "venv", "--without-pip", str(folder)], environment=os.environ)
    pip = next((ROOT / "vendor").glob("pip-*.whl")) / "pip"
    options = ["--no-input", "--disable-pip-version-check", "--quiet", "--retries=1"]
    command = [str(folder / "bin" / "python"), str(pip), "install", *options, "-r", str(pins)]
    run_to_end(command, environment=os.environ)


def install_node(folder: Path, pins: Path) -> None:
    shutil.copy(pins, folder)
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=30000"]
    run_to_end(["npm", "install", "--omit=dev", "--ignore-scripts", *quiet], environment=os.environ, folder=folder)


def reason_in(text: str) -> str:
    """Return the first complaint of pip or npm, else the last line."""
    complaint = re.search(r"^(?:ERROR:|npm error) *(.+)$", text, flags=re.MULTILINE)
    return complaint[1] if complaint else text.strip().rpartition("\n")[2]
