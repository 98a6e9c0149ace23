"""Run handlebars.js in Node as the oracle of what templates render, with the helpers that are defined here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from stack import ROOT
from stack.downloads import install_from_npm, provide

PROGRAM: Final = Path(__file__).with_name("oracle.js")
FOLDER: Final = ROOT / ".state" / "npm"
VERSIONS: Final = {"handlebars": "4.7.10", "handlebars-spec": "104.7.106"}


def oracle_packages() -> Path:
    """Return the folder in which handlebars.js and its cases are installed. Raises Unavailable."""
    name = f"handlebars-{VERSIONS['handlebars']}"
    return provide(name, lambda folder: install_from_npm(folder, VERSIONS), below=FOLDER) / "node_modules"


def render_all(packages: Path, cases: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, str]]:
    """Return `text` or `error` for each template with its data, from one process of Node."""
    lines = [json.dumps({"template": template, "data": data}) for template, data in cases]
    environment = {**os.environ, "NODE_PATH": str(packages)}
    program = ["node", str(PROGRAM)]
    run = subprocess.run(program, input="\n".join(lines), env=environment, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(lines), run.stderr
    return answers
