"""A variable that is wrong stops start-up, with its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def read_settings(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATABASE_URL": "postgresql://x@localhost/x", "REDIS_URL": "redis://localhost/0"}
    return subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=ROOT,
        env={**environment, "SECRET_KEY": "x" * 32, **changes},
        capture_output=True,
        text=True,
    )


def test_these_settings_are_right() -> None:
    assert read_settings().returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "x" * 31),
        ("LOG_LEVEL", "LOUD"),
        ("TRANSPORT", "pigeon"),
        ("SMTP_CONNECTIONS", "0"),
        ("IDEMPOTENCY_HOURS", "0"),
        ("RATE_LIMIT_PER_MINUTE", "-1"),
        ("MAIL_SEND_RATE_LIMIT_PER_MINUTE", "-1"),
        ("MAX_PENDING_MESSAGES", "-1"),
        ("WORKER_MEMORY_MB", "199"),
        ("DATABASE_URL", "mysql://x@localhost/x"),
    ],
)
def test_a_wrong_one_stops_start_up_with_its_name(name: str, value: str) -> None:
    done = read_settings(**{name: value})
    assert done.returncode != 0
    assert name in done.stderr
