"""The end of a worker's main process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from mailer import worker


def test_a_node_loop_that_is_still_in_a_round_does_not_fail_the_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery logs an exception of a signal handler as an error, with its traceback."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.PIPE) as loop:
        monkeypatch.setattr(worker, "_node_loop", loop)
        monkeypatch.setattr(worker, "GOODBYE_SECONDS", 0.1)
        try:
            with capture_logs() as logs:
                worker.stop_node_loop()
        finally:
            loop.kill()
    assert [(line["log_level"], line["event"]) for line in logs] == [
        ("warning", "the node's loop has not ended yet, so the node may be reported as silent")
    ]
