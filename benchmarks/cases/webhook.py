"""Measure the delivery of events of sent messages to a receiver on this machine, in both dialects (case `webhook`)."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.measured import Figure, Measured
from benchmarks.registry import SLUICE
from benchmarks.setting import Setting
from stack import ROOT, StackError
from stack.folders import temporary_folder
from stack.running import EMBEDDED, running_stack

MESSAGES: Final = 200_000
ROUNDS: Final = 3
ENVIRONMENT: Final = {**EMBEDDED, "SMTP_URL": "smtp://127.0.0.1:1"}
NAMES: Final = {"native": "native, events/s", "sendgrid": "SendGrid's, events/s"}
"""The figures by dialect. In SendGrid's, a sent message is two events: processed and delivered."""


def measure(setting: Setting) -> Measured:
    """Measure both dialects in one program, in turns. It runs the lanes in threads, as a worker does."""
    messages = setting.size(MESSAGES, quick=3_000)
    with (
        temporary_folder("sluice-bench-") as (folder, _),
        running_stack(state=folder / "sluice", environment=ENVIRONMENT, programs=lambda *_: []) as stack,
        receiver() as url,
    ):
        environment = {
            **stack.environment,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        command = [sys.executable, "-m", "benchmarks.deliveries", str(messages), str(setting.count(ROUNDS)), url]
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if run.returncode:
            raise StackError(f"the program that delivers events failed:\n{run.stderr[-2000:]}")
        received = int(urllib.request.urlopen(url, timeout=10).read())
    result = json.loads(run.stdout)
    return Measured(
        [Figure(name, {SLUICE: result["rates"][dialect]}, is_better_high=True) for dialect, name in NAMES.items()],
        facts={"messages": messages, "events received": received},
        is_sound=received == result["events"] == 3 * messages * setting.count(ROUNDS),
    )


@contextmanager
def receiver() -> Iterator[str]:
    """Run a receiver in a separate process, and provide its URL."""
    command = [sys.executable, "-m", "benchmarks.hook_receiver"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.kill()
