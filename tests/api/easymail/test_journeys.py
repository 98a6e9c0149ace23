"""Test a campaign over a real socket, counted where the mail arrives."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest

from accounts.models import Account
from batches.models import Receipt
from campaigns.lifecycle import send_now
from tests.api.conftest import ApiClient
from tests.api.easymail.calls import LATER, ROOT, whole_body
from tests.campaigns.building import expand_all, ready_campaign
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until

RECIPIENTS = 300


class Program:
    """A program written for Easymail: it knows the paths and words of Easymail and only uses another host."""

    def __init__(self, url: str, key_text: str) -> None:
        self.url = f"{url}{ROOT}"
        self.headers = {"Authorization": f"Bearer {key_text}", "Accept": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Mapping[str, str], Any]:
        sent = None if body is None else json.dumps(body).encode()
        headers = self.headers | ({"Content-Type": "application/json"} if sent else {})
        request = urllib.request.Request(f"{self.url}{path}", data=sent, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, headers, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, headers, text = error.code, error.headers, error.read()
        return status, headers, json.loads(text) if text else None

    def do(self, method: str, path: str, body: Any = None) -> Any:
        status, _, answer = self.ask(method, path, body)
        assert status < 300, answer
        return answer and answer["data"]


@pytest.fixture
def program(client_of_alice: ApiClient, server_url: str) -> Program:
    return Program(server_url, client_of_alice.key_text)


@pytest.mark.large
def test_a_campaign_is_cancelled_in_flight(alice: Account, program: Program, peer: CountingPeer) -> None:
    body = whole_body(alice, RECIPIENTS)
    body["content"] = "# Hello [%first_name | friend%]\n\n[Leave]([unsubscribe])"
    uuid = program.do("POST", "/campaigns", body)["uuid"]
    path = f"/campaigns/{uuid}"
    assert program.do("POST", f"{path}/schedule", {"scheduled_at": LATER})["status"] == "scheduled"
    assert program.do("PATCH", path, {"subject": "Hello [%first_name | friend%]"})["scheduled_at"] == LATER
    assert program.do("POST", f"{path}/unschedule")["status"] == "draft"
    assert program.ask("GET", f"{path}/contacts?per_page=1")[2]["pagination"]["total"] == RECIPIENTS
    with DeliveringThread(peer):
        program.do("POST", f"{path}/test", {"email": "me@example.com"})
    assert peer.recipients == ["me@example.com"]
    text = peer.ledger[0].data.decode()
    assert "Subject: Hello friend" in text
    assert "<h1>Hello friend</h1>" in text
    assert "[unsubscribe]" not in text
    assert re.search(r"^List-Unsubscribe:\s+<http\S+/all>", text, re.MULTILINE)
    peer.ledger.clear()

    assert program.do("POST", f"{path}/send")["status"] == "queued"
    expand_all()
    peer.delay = 0.02
    with DeliveringThread(peer, connections=2):
        wait_until(lambda: len(peer.ledger) >= 10, why="ten sent messages")
        status, headers, answer = program.ask("POST", f"{path}/cancel")
        sent = len(peer.ledger)
        assert (status, answer["data"]["status"]) == (200, "canceled")
        assert (headers["X-Sluice-Settled"], headers["X-Sluice-Sent"]) == ("true", str(sent))
        receipt = Receipt.objects.get(public_id=headers["X-Sluice-Receipt"])
        assert (receipt.sent, receipt.stopped, receipt.in_doubt) == (sent, RECIPIENTS - sent, 0)
        assert 0 < sent < RECIPIENTS
        send_now(alice, ready_campaign(alice).pk)
        expand_all()
        wait_until(lambda: len(peer.ledger) >= sent + 3, why="the fleet goes on")
    assert sorted(peer.recipients[sent:]) == [f"r{n}@example.com" for n in range(3)]
    assert not peer.doubled
    for status, count in (("sent", sent), ("pending", RECIPIENTS - sent)):
        answer = program.ask("GET", f"{path}/recipients?status={status}&per_page=1")[2]
        assert answer["pagination"]["total"] == count
    assert program.ask("POST", f"{path}/cancel")[0] == 409
    assert program.ask("DELETE", path)[0] == 204
