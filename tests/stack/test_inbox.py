"""The local inbox writes mail that a client sends over SMTP to the Maildir."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import ROOT
from stack.inbox import delay_file

from .launching import wait_until

MESSAGE = "Subject: Grüße\r\nFrom: a@example.com\r\n\r\n.dot\r\n".encode()


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[smtplib.SMTP]:
    """Connect a client to an inbox at tmp_path/inbox."""
    port = tmp_path / "port"
    command = [sys.executable, "-m", "stack.inbox", "--port-file", str(port), "--maildir", str(tmp_path / "inbox")]
    with subprocess.Popen(command, cwd=ROOT) as server:
        try:
            wait_until(port.exists)
            with smtplib.SMTP("127.0.0.1", int(port.read_text())) as client:
                yield client
        finally:
            server.terminate()


def test_a_message_is_stored_with_its_envelope(inbox: smtplib.SMTP, tmp_path: Path) -> None:
    inbox.sendmail("bounce@example.com", ["ada@example.com", "bob@example.com"], MESSAGE, ["SMTPUTF8"])
    [stored] = (tmp_path / "inbox" / "new").iterdir()
    head, _, body = stored.read_bytes().partition(b"\n\n")
    lines = head.decode().splitlines()
    assert lines[:2] == ["Return-Path: <bounce@example.com>", "X-Envelope-To: ada@example.com, bob@example.com"]
    assert lines[3:] == ["Subject: Grüße", "From: a@example.com"]
    assert body == b".dot\n"


def test_the_delay_can_be_changed_while_it_runs(inbox: smtplib.SMTP, tmp_path: Path) -> None:
    delay_file(tmp_path / "inbox").write_text("0.2")
    started = time.monotonic()
    inbox.sendmail("a@example.com", ["b@example.com"], MESSAGE, ["BODY=8BITMIME"])
    assert time.monotonic() - started >= 0.2
