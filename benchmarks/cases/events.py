"""Measure the cost of storing the events of sent messages, packed and in a row each (case `events`, decision 0013)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from benchmarks.measured import Figure, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from stack import ROOT, StackError
from stack.folders import temporary_folder
from stack.running import EMBEDDED, running_stack

MESSAGES: Final = 300_000
FIGURES: Final = ("CPU of the worker, µs", "CPU of PostgreSQL, µs", "WAL, bytes", "stored, bytes")
"""The figures of a message, in the order in which `benchmarks/layouts.py` prints them."""
LAYOUTS: Final = {SLUICE: "packed", "a row each": "plain"}
"""The layouts, by their names in the report."""
ENVIRONMENT: Final = {**EMBEDDED, "SMTP_URL": "smtp://127.0.0.1:1"}


def measure(setting: Setting) -> Measured:
    """Measure both layouts in one program, in turns, in a PostgreSQL without other work."""
    messages = setting.size(MESSAGES, quick=3_000)
    with (
        temporary_folder("sluice-bench-") as (folder, _),
        running_stack(state=folder / "sluice", environment=ENVIRONMENT, programs=lambda *_: []) as stack,
    ):
        environment = {**stack.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
        command = [sys.executable, "-m", "benchmarks.layouts", str(messages)]
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise StackError(f"the program that writes the events failed:\n{run.stderr[-2000:]}")
    return Measured(
        [
            Figure(
                f"{shape}, {figure}", {title: [turn[n] for turn in layouts[name]] for title, name in LAYOUTS.items()}
            )
            for shape, layouts in json.loads(run.stdout).items()
            for n, figure in enumerate(FIGURES)
        ]
    )
