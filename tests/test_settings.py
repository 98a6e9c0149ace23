"""An invalid variable stops start-up with its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.checks import check_history, check_public_url

ROOT = Path(__file__).parent.parent
RIGHT = {"DATABASE_URL": "postgresql://x@localhost/x", "REDIS_URL": "redis://localhost/0", "SECRET_KEY": "x" * 32}
WRONG = [
    ("SECRET_KEY", "x" * 31),
    ("SECRET_KEY_FALLBACKS", f"{'x' * 32},short"),
    ("LOG_LEVEL", "LOUD"),
    ("TRANSPORT", "pigeon"),
    ("IP_POOLS", "marketing,x"),
    ("IP_POOLS", "marketing, other"),
    *(
        ("CORS_ALLOWED_ORIGINS", origin)
        for origin in ("*", "null", "app.example.com", "https://a.example/", "https://A.b")
    ),
    ("CORS_ALLOWED_ORIGIN_REGEX", "https://(.*"),
    ("SMTP_CONNECTIONS", "0"),
    ("IDEMPOTENCY_HOURS", "0"),
    ("RATE_LIMIT_PER_MINUTE", "-1"),
    ("MAIL_SEND_RATE_LIMIT_PER_MINUTE", "-1"),
    ("MAX_PENDING_MESSAGES", "-1"),
    ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8,localhost"),
    ("WORKER_MEMORY_MB", "199"),
    ("DATABASE_URL", "mysql://x@localhost/x"),
    ("PUBLIC_URL", "mail.example.com"),
    ("PUBLIC_URL", "http://[::1"),
    ("PUBLIC_URL", "ftp://mail.example.com"),
    ("PUBLIC_URL", "https://mail.example.com/?x=1"),
    ("PUBLIC_URL", "https://mail.example.com/é"),
    ("PUBLIC_URL", 'https://mail.example.com/">'),
    ("PUBLIC_URL", "https://" + "x" * 200),
]
READ_OFTEN = """
import importlib, json, os, sys, traceback
import config.settings as settings

errors = []
for name, value in json.loads(sys.argv[1]):
    right = os.environ.get(name)
    os.environ[name] = value
    try:
        importlib.reload(settings)
        errors.append("")
    except Exception:
        errors.append(traceback.format_exc(limit=0))
    os.environ.pop(name) if right is None else os.environ.update({name: right})

def show():
    return [sorted(settings.IP_POOLS), any("cors" in each for each in settings.MIDDLEWARE)]

shown = [show()]
os.environ |= {"IP_POOLS": "marketing,other", "CORS_ALLOWED_ORIGIN_REGEX": "https://a"}
importlib.reload(settings)
print(json.dumps([errors, *shown, show()]))
"""
"""Read valid settings, then each invalid value, in one process, since starting one takes half a second.

Then show the pools, and whether other origins are allowed, before and after both are named.
"""


def run_python(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **RIGHT, **changes}
    return subprocess.run([sys.executable, "-c", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.large
def test_an_invalid_variable_stops_start_up_with_its_name() -> None:
    done = run_python("import config.settings", SECRET_KEY="x" * 31)
    assert done.returncode != 0
    assert "SECRET_KEY" in done.stderr


def test_every_invalid_variable_is_refused_by_name_and_valid_ones_are_read() -> None:
    done = run_python(READ_OFTEN, json.dumps([*WRONG, *RIGHT.items()]))
    assert done.returncode == 0, done.stderr
    errors, *pools_and_origins = json.loads(done.stdout)
    unnamed = [wrong for wrong, error in zip(WRONG, errors, strict=False) if wrong[0] not in error]
    assert unnamed == []
    assert errors[len(WRONG) :] == [""] * len(RIGHT)
    assert pools_and_origins == [[[], False], [["marketing", "other"], True]], "there are none until they are named"


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
    settings.PUBLIC_URL, settings.TRACKING_URL, settings.ALLOWED_HOSTS = url, f"http://{hosts[0]}", hosts
    assert [each.id for each in check_public_url(None)] == ["sluice.W003"] * warned
    settings.PUBLIC_URL, settings.TRACKING_URL = f"http://{hosts[0]}", url
    assert [each.id for each in check_public_url(None)] == ["sluice.W005"] * warned


def test_events_have_to_outlive_an_endpoint_that_is_away(settings: Any) -> None:
    settings.HISTORY_DAYS = 4
    assert check_history(None) == []
    settings.HISTORY_DAYS = 3
    assert [each.id for each in check_history(None)] == ["sluice.E004"]
