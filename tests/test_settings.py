"""A variable that is wrong stops start-up, with its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.checks import check_public_url

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
        ("PUBLIC_URL", "mail.example.com"),
        ("PUBLIC_URL", "http://[::1"),
        ("PUBLIC_URL", "ftp://mail.example.com"),
        ("PUBLIC_URL", "https://mail.example.com/?x=1"),
        ("PUBLIC_URL", "https://mail.example.com/é"),
        ("PUBLIC_URL", 'https://mail.example.com/">'),
        ("PUBLIC_URL", "https://" + "x" * 200),
    ],
)
def test_a_wrong_one_stops_start_up_with_its_name(name: str, value: str) -> None:
    done = read_settings(**{name: value})
    assert done.returncode != 0
    assert name in done.stderr


@pytest.mark.parametrize(
    ("url", "hosts", "warned"),
    [
        ("https://mail.example.com/x", ["mail.example.com"], False),
        ("https://MAIL.example.com:8443", [".example.com"], False),
        ("http://[::1]:8000", ["[::1]"], False),
        ("http://localhost:8000", ["mail.example.com"], True),
    ],
)
def test_a_host_that_the_web_does_not_answer_to_is_warned_of(
    url: str, hosts: list[str], warned: bool, settings: Any
) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = url, hosts
    assert [each.id for each in check_public_url(None)] == ["sluice.W003"] * warned
