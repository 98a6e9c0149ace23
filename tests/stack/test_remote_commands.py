"""Test `./sluice ps`, `stop`, `pause`, `resume` and `keys` against a stand-in for the native API."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from stack import asking, drawing, moves, ps
from stack.commands import main

NOW: dict[str, Any] = {
    "at": "2030-05-01T12:00:00.000Z",
    "running": [
        {
            "batch_id": "b" * 32,
            "label": "News of May\x1b[31m",
            "account": "alice",
            "campaign_id": None,
            "campaign_uuid": None,
            "gate": "open",
            "messages": 5000,
            "counts": {"scheduled": 0, "due": 3000, "claimed": 500, "retained": 0, "held": 0, "sent": 1500},
            "expanding": False,
            "rate": 120.5,
            "remaining_seconds": 3905,
            "waits": "behind other mail",
        }
    ],
    "has_more_running": False,
    "next": [
        {
            "at": "2030-05-01T12:30:00.000Z",
            "batch_id": None,
            "label": "News of June",
            "account": "alices-shop",
            "campaign_id": "12",
            "campaign_uuid": "00000000-0000-4000-8000-000000000012",
            "messages": None,
            "complete": False,
            "fate": "waits for its audience",
        }
    ],
    "has_more_next": False,
    "problems": [{"kind": "node-silent", "severity": "critical", "text": "mail-2 is silent", "since": None}],
    "stopped": [],
}
BATCH = {"id": "b" * 32, "label": "News of May", "status": "open"}
COUNTS = {"sent": 1500}
RECEIPT = {
    "id": "r1", "action": "cancel", "settled": False, "sent": 1500, "stopped": 3000, "in_doubt": 0, "in_flight": 500,
    "ended": 700, "ended_before": 400,
}  # fmt: skip
SETTLED = {**RECEIPT, "settled": True, "in_flight": 0}
KEY = {"id": "k" * 22, "name": "Website", "account": "alice", "created_at": "2030-01-01T00:00:00.000Z"}


class Answers(ThreadingHTTPServer):
    """Answer calls by method and path, without the query, and note the calls."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[tuple[str, Any, str | None]] = []
        self.queries: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Any] = {
            "GET /account": {"username": "alice"},
            "GET /now": NOW,
            "GET /campaigns": [],
            "GET /batches": [BATCH],
            f"GET /batches/{'b' * 32}": BATCH,
            "GET /receipts/r1": SETTLED,
            "GET /keys": [KEY],
        }
        for path in (f"/batches/{'b' * 32}/cancel", "/account/freeze", "/campaigns/12/pause"):
            self.answers[f"POST {path}"] = RECEIPT
            self.answers[f"POST {path} dry"] = {"affected": 3500, "counts": COUNTS}
        self.answers["POST /campaigns/12/pause"] = {"receipt": SETTLED}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server, path = self.server, self.path.removeprefix("/sluice/v1").partition("?")[0]
        assert isinstance(server, Answers)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
        dry = " dry" if body and body.get("dry_run") else ""
        server.calls.append((f"{self.command} {path}{dry}", body, self.headers["On-Behalf-Of"]))
        query = dict(parse_qsl(self.path.partition("?")[2]))
        server.queries.append((path, query))
        data = server.answers.get(f"{self.command} {path}{dry}")
        if isinstance(data, list) and "status" in query:
            data = [row for row in data if row["status"] == query["status"]]
        status = 401 if self.headers["Authorization"] != "Bearer SG.right" else 200 if data is not None else 404
        error = {
            "error": {"code": "X", "message": "Nothing here." if status == 404 else "A valid API key is required."}
        }
        text = json.dumps({"data": data} if status == 200 else error).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    server = Answers()
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    monkeypatch.setenv("SLUICE_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("SLUICE_KEY", "SG.right")
    monkeypatch.setattr(moves, "POLL_SECONDS", 0.01)
    yield server
    server.shutdown()
    server.server_close()


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let a person at a terminal type this."""
    monkeypatch.setattr(asking, "is_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_ps_shows_problems_what_runs_and_what_comes(
    api: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["ps"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown, "neither colours without a terminal, nor a label that a terminal would obey"
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[:2] == ["1 problem", "mail-2 is silent"]
    row = f"News of May [31m alice ###....... 1,500 3,500 120.5 1:05:05 open: behind other mail {'b' * 32}"
    assert row in lines
    assert "News of June alices-shop 12:30:00 -+ waits for its audience 12" in lines
    assert main(["ps", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == NOW


def test_a_stop_is_rehearsed_confirmed_and_shown_until_it_is_settled(
    api: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = f"POST /batches/{'b' * 32}/cancel"
    for text, code in (("no\n", 3), ("", 3), ("y\n", 0)):
        answer(monkeypatch, text)
        assert main(["stop", "b" * 32, "--reason", "wrong price"]) == code
    captured = capsys.readouterr()
    assert "Stop batch News of May" in captured.err
    assert "3,500 messages will not be sent.\n  1,500 messages were sent already." in captured.err
    assert "Waiting for workers that still have 500 messages." in captured.err
    assert "settled" in captured.out
    changes = [call for call in api.calls if call[0].startswith(stop)]
    assert [name for name, *_ in changes] == [f"{stop} dry"] * 3 + [stop]
    assert changes[-1][1] == {"reason": "wrong price"}


def test_nothing_is_changed_without_a_terminal_unless_yes_is_given(
    api: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "is_terminal", lambda: False)
    assert main(["stop", "b" * 32]) == 3
    assert "Add --yes to confirm it without a terminal." in capsys.readouterr().err
    assert main(["stop", "b" * 32, "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == SETTLED
    api.answers["GET /receipts/r1"] = RECEIPT
    assert main(["stop", "b" * 32, "--yes", "--wait", "0.05"]) == moves.UNSETTLED
    assert "not settled yet" in capsys.readouterr().out


def test_a_part_of_a_name_is_enough_if_only_one_has_it(
    api: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "is_terminal", lambda: False)
    api.answers["GET /batches"] = []
    assert main(["pause", "of june", "--yes"]) == 0
    assert api.calls[-1][::2] == ("POST /campaigns/12/pause", "alices-shop"), "it is a subuser's"
    assert main(["pause", "news of", "--yes"]) == 3
    listed = capsys.readouterr().err
    assert "'news of' may be any of these" in listed
    assert "2. campaign News of June (12) of alices-shop" in listed
    answer(monkeypatch, "2\ny\n")
    assert main(["pause", "news of"]) == 0
    assert main(["pause", "nothing has this", "--yes"]) == 1
    assert "./sluice ps shows what is being sent." in capsys.readouterr().err


@pytest.mark.parametrize("text", [f"-{'b' * 31}", "-b", "-5", "-5 cents", "-hot"])
def test_an_id_a_name_and_a_reason_may_begin_with_a_hyphen(api: Answers, text: str) -> None:
    path = f"/batches/-{'b' * 31}"
    batch = {**BATCH, "id": f"-{'b' * 31}", "label": f"News {text}"}
    api.answers |= {"GET /now": {**NOW, "running": [], "next": []}, "GET /batches": [batch], f"GET {path}": batch}
    api.answers |= {f"POST {path}/cancel dry": {"affected": 1, "counts": COUNTS}, f"POST {path}/cancel": SETTLED}
    counts = {"campaigns": 0, "batches": 0, "messages": 0, "exact": True}
    api.answers |= {"GET /keys": [{**KEY, "name": text}], f"POST /keys/{KEY['id']}/revoke dry": {**KEY, **counts}}
    api.answers[f"POST /keys/{KEY['id']}/revoke"] = {**KEY, "stopped": None}
    for command, change in ((["stop"], f"POST {path}/cancel"), (["keys", "revoke"], f"POST /keys/{KEY['id']}/revoke")):
        for arguments in ([text, "--reason", text, "--yes"], ["--yes", "--reason", text, text], ["--yes", "--", text]):
            assert main([*command, *arguments]) == 0
            name, body, _ = api.calls[-1]
            assert (name, body["reason"]) == (change, text if "--reason" in arguments else "")


def test_a_name_finds_only_what_the_command_can_change(api: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers["GET /now"] = {**NOW, "running": [], "next": []}
    for command, statuses in (("stop", ["cancelled"]), ("pause", ["paused", "cancelled"]), ("resume", ["open"])):
        for status in statuses:
            api.answers["GET /batches"] = [{**BATCH, "status": status}]
            assert main([command, "news", "--yes"]) == 1
            assert f"none that you can {command} has this text in its name" in capsys.readouterr().err


def test_newer_mailings_in_other_statuses_hide_none(api: Answers) -> None:
    api.answers["GET /now"] = {**NOW, "running": [], "next": []}
    assert main(["stop", "news", "--yes"]) == 0
    queries = [query for path, query in api.queries if path in {"/batches", "/campaigns"}]
    assert {query["status"] for query in queries} == {"open", "paused", "scheduled", "queued", "sending"}


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_name_changes_nothing(api: Answers, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A script whose variable is empty must not stop what happens to be the only mailing."""
    for arguments in (["stop", text], ["pause", "--account", text], ["keys", "revoke", text]):
        with pytest.raises(SystemExit) as error:
            main([*arguments, "--yes"])
        assert error.value.code == 2
        assert "it is empty" in capsys.readouterr().err
    assert api.calls == []


@pytest.mark.parametrize("text", ["no such key", "x/y?z#", "Ü", "z" * 22])
def test_a_key_that_does_not_exist_is_named(api: Answers, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert main(["keys", "revoke", text, "--yes"]) == 1
    assert f"No key has the id {text!r} or this text in its name." in capsys.readouterr().err


def test_an_account_that_does_not_exist_is_named(api: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", "--account", "漢字", "--yes"]) == 1
    assert (
        "'漢字' is neither the account of the key, which is alice, nor one of its subusers." in capsys.readouterr().err
    )


def test_a_malformed_key_is_not_shown(
    api: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_KEY", "SG.right\r\n")
    assert main(["ps"]) == 0, "the line end is that of a file"
    for key in ("SG.se\ncret", "SG.secretü"):
        monkeypatch.setenv("SLUICE_KEY", key)
        assert main(["ps"]) == 1
        shown = capsys.readouterr().err
        assert "cret" not in shown
        assert "The key has characters that no key has." in shown


def test_a_receipt_counts_what_was_stopped_or_released() -> None:
    stopped = moves.describe({**SETTLED, "ended_before": 400, "ended": 400})
    assert "  stopped             2,600\n" in stopped, "400 had ended before"
    released = moves.describe({**SETTLED, "action": "resume", "ended_before": 0, "ended": 100})
    assert "  released            2,900\n" in released
    assert "stopped" not in released


def test_an_account_is_frozen(api: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    for command, name, subuser in (("stop", "alice", None), ("pause", "alices-shop", "alices-shop")):
        assert main([command, "--account", name, "--yes"]) == 0
        assert [call[2] for call in api.calls if call[0] == "POST /account/freeze"][-1] == subuser
        assert f"Freeze account {name}" in capsys.readouterr().err


def test_a_key_is_revoked_and_what_it_scheduled_is_stopped(api: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"/keys/{'k' * 22}"
    counts = {"campaigns": 2, "batches": 1, "messages": 2468}
    api.answers[f"POST {path}/revoke dry"] = {**KEY, **counts, "exact": False}
    api.answers[f"POST {path}/revoke"] = {**KEY, "stopped": {**counts, "settled": False, "receipts": []}}
    api.answers[f"GET {path}/revocation"] = {"stopped": {**counts, "settled": True, "receipts": [RECEIPT]}}
    assert main(["keys", "list"]) == 0
    assert "Website" in capsys.readouterr().out
    assert main(["keys", "revoke", "webs", "--stop-scheduled", "--yes"]) == 0
    captured = capsys.readouterr()
    assert "It has scheduled 2 campaigns, 1 batch, 2,468 messages or more.\n  It will be stopped." in captured.err
    assert "Cancelled: 2 campaigns, 1 batch. Stopped in other batches: 2,468 messages." in captured.out
    assert "receipt r1: 2,600 messages stopped" in captured.out


def test_errors_say_what_to_do(
    api: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    local = ["ps", "--state", str(tmp_path)]
    monkeypatch.setenv("SLUICE_KEY", "SG.wrong")
    for setting, value, text in (
        ("SLUICE_KEY", "SG.wrong", "A valid API key is required. Check the key: --key, SLUICE_KEY"),
        ("SLUICE_URL", "mail.example.com", "'mail.example.com' is not an address. Write it as https://"),
        ("SLUICE_URL", "http://127.0.0.1:1", "did not answer as a Sluice does"),
        ("SLUICE_URL", "", "Add an address: --url or SLUICE_URL."),
        ("SLUICE_KEY", "", f"No stack has run in {tmp_path}. Start one with ./sluice up"),
    ):
        monkeypatch.setenv(setting, value)
        assert main(local) == 1
        assert text in capsys.readouterr().err
    (tmp_path / "ready.json").write_text(
        json.dumps({"base_url": f"http://127.0.0.1:{api.server_port}", "api_key": "SG.right"})
    )
    assert main(local) == 0


def test_colours_are_for_terminals_and_never_with_no_color() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert drawing.is_coloured(Terminal(), {})
    assert not drawing.is_coloured(Terminal(), {"NO_COLOR": "1"})
    assert not drawing.is_coloured(Terminal(), {"TERM": "dumb"})
    assert not drawing.is_coloured(io.StringIO(), {})


def test_a_table_fits_into_the_terminal() -> None:
    shown = drawing.table(["NAME", "ID"], [["ä" * 90, "b" * 32], ["漢字", "c"]], width=80)
    assert max(drawing.width_of(line) for line in shown.splitlines()) <= 80
    assert "…" in shown


@pytest.mark.parametrize("closed", [("stdout",), ("stderr",), ("stdin", "stdout", "stderr")])
def test_a_stop_needs_no_standard_streams(
    api: Answers, monkeypatch: pytest.MonkeyPatch, closed: tuple[str, ...]
) -> None:
    """Python has None for a stream that a supervisor, or `>&-` in a shell, has closed."""
    for name in closed:
        monkeypatch.setattr(f"sys.{name}", None)
    assert main(["stop", "b" * 32, "--yes"]) == 0
    assert f"POST /batches/{'b' * 32}/cancel" in [name for name, *_ in api.calls]
    assert main(["stop", "b" * 32]) == 3
    for name in closed:
        getattr(sys, name).close()


def test_watch_ends_when_nobody_reads_it(api: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of the pipe, such as `head`, has ended. The next write fails."""
    reading, writing = os.pipe()
    monkeypatch.setattr("stack.ps.time.sleep", lambda _: os.close(reading))
    with open(writing, "w") as pipe, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", pipe)
        assert main(["ps", "--watch"]) == 0
    assert len([path for path, _ in api.queries if path == "/now"]) == 2


def test_watch_shows_it_again_until_a_signal(
    api: Answers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = 0

    def sleep(_: float) -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise ps.Interrupted

    monkeypatch.setattr(ps, "time", SimpleNamespace(sleep=sleep))
    assert main(["ps", "--watch", "--json"]) == 0
    assert [json.loads(line)["at"] for line in capsys.readouterr().out.splitlines()] == [NOW["at"]] * 2
