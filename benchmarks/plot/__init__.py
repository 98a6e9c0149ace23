"""Plot a result by matplotlib in a separate environment, since it is not part of the product."""

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
    """Draw into the file; where matplotlib cannot be installed, print the reason instead."""
    try:
        python = python_environment(HOME)
    except Unavailable as reason:
        say(f"The plot cannot be drawn: {reason}")
        return
    command = [str(python), str(HOME / "drawing.py"), str(png)]
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    subprocess.run(command, input=json.dumps(result).encode(), check=True, env=environment)
    say(f"The plot is in {png}")
