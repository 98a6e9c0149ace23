"""Test the commands that show and stop mail, with the system's Python and a stack that runs."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from stack import ROOT
from stack.first_run import write_private
from stack.remote import read_local
from stack.running import EMBEDDED, running_stack
from stack.up import ready_facts
from tests.api.sendgrid.bodies import mail_body
from tests.stack.launching import BARE


def sluice(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command without the packages of the tests."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [BARE, "-S", ROOT / "sluice", *arguments, "--state", state], env=environment, capture_output=True, text=True
    )


@pytest.mark.large
def test_mail_is_shown_stopped_and_its_key_revoked(used_state: Path) -> None:
    with running_stack(state=used_state, environment=EMBEDDED, durable=False) as stack:
        write_private(used_state / "ready.json", ready_facts(stack))
        key = read_local(used_state)
        batch = key.post("/batches", {})["id"]
        people = [{"to": [{"email": f"to{n}@example.com"}]} for n in range(300)]
        for batch_id, minutes in ((batch, 30), (None, 20)):
            body = mail_body(personalizations=people, send_at=int(time.time()) + 60 * minutes, subject="News of May")
            body |= {"batch_id": batch_id} if batch_id else {}
            send(stack.base_url, key.key, body)
        shown = json.loads(sluice(used_state, "ps", "--json").stdout)
        assert sorted(each["messages"] for each in shown["next"]) == [300, 300]
        assert "News of May" in sluice(used_state, "ps").stdout
        paused = sluice(used_state, "pause", "of may", "--yes", "--json", "--reason", "a test")
        receipt = json.loads(paused.stdout)
        assert (paused.returncode, receipt["settled"], receipt["stopped"]) == (0, True, 300), paused.stderr
        assert sluice(used_state, "resume", batch, "--yes").returncode == 0
        for command, action in (("stop", "freeze"), ("resume", "thaw")):
            changed = json.loads(sluice(used_state, command, "--account", "local", "--yes", "--json").stdout)
            assert (changed["action"], changed["settled"]) == (action, True)
        (own,) = (each["id"] for each in key.get("/keys") if each["name"] == "first run")
        revoked = sluice(used_state, "keys", "revoke", own, "--stop-scheduled", "--yes", "--json")
        stopped = json.loads(revoked.stdout)["stopped"]
        assert (stopped["settled"], stopped["batches"], stopped["messages"]) == (True, 1, 300), revoked.stderr
        refused = sluice(used_state, "ps")
        assert refused.returncode == 1
        assert "Check the key" in refused.stderr


def send(url: str, key: str, body: dict[str, object]) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v3/mail/send", data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 202
