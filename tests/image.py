"""The image of the Dockerfile, made without an engine: what it copies, on the packages that it installs, and no others.

A folder with an `app` that holds the copied files and a virtual environment whose packages are links to those of this
one, as far as requirements.txt names them. What only a checkout or a developer's environment has cannot be imported.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==\S+( ;)?", re.MULTILINE)
SCRIPT = "#!{python}\nimport sys\nfrom {module} import {attr}\nsys.exit({attr}())\n"


@dataclass(frozen=True)
class Image:
    app: Path
    environment: dict[str, str]
    """What ENV says, with the PATH of this folder's environment."""
    command: list[str]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in order, comments left out and continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined if line)]


def arguments_of(name: str) -> list[str]:
    return [rest for word, rest in instructions() if word == name]


def copied_sources() -> list[str]:
    """What comes from the checkout rather than from another stage."""
    copies = [rest.split() for rest in arguments_of("COPY") if not rest.startswith("--from=")]
    return [source for *sources, _target in copies for source in sources]


def build_image(folder: Path) -> Image:
    app, environment = folder / "app", folder / "venv"
    for source in copied_sources():
        copy(ROOT / source, app / source)
    venv.create(environment, symlinks=True)
    for package in installed_packages():
        link_package(package, environment)
    collect = next(rest for rest in arguments_of("RUN") if "collectstatic" in rest)
    command = collect.replace("/venv/", f"{environment}/")
    subprocess.run(["sh", "-c", command], cwd=app, env={"PATH": os.defpath}, check=True, stdout=subprocess.DEVNULL)
    variables = dict(word.split("=", 1) for rest in arguments_of("ENV") for word in shlex.split(rest))
    return Image(
        app=app,
        environment={**variables, "PATH": f"{environment / 'bin'}{os.pathsep}{os.defpath}"},
        command=read_list(arguments_of("CMD")[-1]),
    )


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def installed_packages() -> Iterator[Distribution]:
    """Those of requirements.txt; one with a condition may be missing here, any other may not."""
    for name, condition in REQUIREMENT.findall((ROOT / "requirements.txt").read_text()):
        try:
            yield distribution(name)
        except PackageNotFoundError:
            assert condition, f"{name} is not installed"


def link_package(package: Distribution, environment: Path) -> None:
    site = next((environment / "lib").glob("python*/site-packages"))
    for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        if not (site / top).exists():
            (site / top).symlink_to(str(package.locate_file(top)))
    for entry in package.entry_points.select(group="console_scripts"):
        script = environment / "bin" / entry.name
        script.write_text(SCRIPT.format(python=environment / "bin" / "python", module=entry.module, attr=entry.attr))
        script.chmod(0o755)


def read_list(text: str) -> list[str]:
    """The JSON form of CMD."""
    return re.findall(r'"([^"]*)"', text)
