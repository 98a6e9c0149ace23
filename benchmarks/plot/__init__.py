"""The plot of a result, drawn by matplotlib in an environment of its own: it is no part of the product."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.contestants import Unavailable
from benchmarks.peers.environments import python_environment
from stack.say import say

HOME = Path(__file__).parent


def draw(result: dict[str, Any], png: Path) -> None:
    """Into the file; where matplotlib cannot be had, that is said, and nothing drawn."""
    try:
        python = python_environment(HOME)
    except Unavailable as reason:
        say(f"No plot is drawn: {reason}")
        return
    command = [str(python), str(HOME / "drawing.py"), str(png)]
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    subprocess.run(command, input=json.dumps(result).encode(), check=True, env=environment)
    say(f"Drawn: {png}")
