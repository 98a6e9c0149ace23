"""List and revoke API keys: `./sluice keys list` and `./sluice keys revoke ID [--stop-scheduled]`."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from stack import StackError, parsers
from stack.asking import choose, confirm
from stack.drawing import clean, plural, table
from stack.moves import UNSETTLED, poll, stopped_by
from stack.remote import Refused, Remote, find_remote
from stack.say import show

KEY_ID = re.compile(r"[A-Za-z0-9_-]{22}")
WHOLE_KEY = re.compile(rf"SG\.({KEY_ID.pattern})\..*")


def main(arguments: list[str]) -> int:
    """List the keys or revoke one; return 0, or UNSETTLED if workers still have mail of the key."""
    options = parsers.keys().parse_args(arguments)
    remote = find_remote(options)
    return list_keys(remote, options) if options.action == "list" else revoke(remote, options)


def list_keys(remote: Remote, options: argparse.Namespace) -> int:
    keys = remote.get("/keys")
    rows = [[key["name"], key["id"], key["account"], key["created_at"][:10]] for key in keys]
    show(json.dumps(keys, indent=2) if options.json else table(["NAME", "ID", "ACCOUNT", "CREATED"], rows))
    return 0


def revoke(remote: Remote, options: argparse.Namespace) -> int:
    """Revoke a key after a question with the numbers of a dry run."""
    path = f"/keys/{find_id(remote, options.key_id)}"
    rehearsed = rehearse(remote, path, options.key_id)
    confirm(question(rehearsed, stops_scheduled=options.stop_scheduled), is_confirmed=options.yes)
    body = {"stop_scheduled": options.stop_scheduled, "reason": options.reason}
    answer = remote.post(f"{path}/revoke", body)
    if answer["stopped"]:
        answer["stopped"] = wait_until_stopped(remote, path, answer["stopped"], seconds=options.wait)
    show(json.dumps(answer, indent=2) if options.json else describe(answer))
    return 0 if answer["stopped"] is None or answer["stopped"]["settled"] else UNSETTLED


def rehearse(remote: Remote, path: str, text: str) -> dict[str, Any]:
    """Return what a key has scheduled. Raises StackError, also if the key does not exist."""
    try:
        rehearsed: dict[str, Any] = remote.post(f"{path}/revoke", {"dry_run": True})
    except Refused as error:
        if error.status != 404:
            raise
        raise unknown(text) from None
    return rehearsed


def unknown(text: str) -> StackError:
    return StackError(f"No key has the id {text!r} or this text in its name. ./sluice keys list shows those in use.")


def find_id(remote: Remote, text: str) -> str:
    """Return the id of the key that a text names: its id, its whole text, or a part of its name. Raises StackError."""
    if key_text := WHOLE_KEY.fullmatch(text):
        return key_text[1]
    keys = remote.get("/keys")
    if any(key["id"] == text for key in keys):
        return text
    hits = [key for key in keys if text.lower() in key["name"].lower()]
    if not hits and KEY_ID.fullmatch(text):
        # It may be the key of a subuser, or one that was revoked before.
        return text
    if not hits:
        raise unknown(text)
    ids_by_name = {f"{clean(key['name'])} ({key['id']})": key["id"] for key in hits}
    return str(ids_by_name[next(iter(ids_by_name)) if len(ids_by_name) == 1 else choose(list(ids_by_name), text)])


def question(rehearsed: dict[str, Any], *, stops_scheduled: bool) -> str:
    """Return the question, with what the key has scheduled."""
    more = "" if rehearsed["exact"] else " or more"
    work = (
        f"{plural(rehearsed['campaigns'], 'campaign')}, {plural(rehearsed['batches'], 'batch')}, "
        f"{plural(rehearsed['messages'], 'message')}{more}"
    )
    effect = "It will be stopped." if stops_scheduled else "It will still be sent: add --stop-scheduled to stop it."
    name = f"{clean(rehearsed['name'])} ({rehearsed['id']}) of {rehearsed['account']}"
    return f"Revoke the key {name}? This cannot be undone.\n  It has scheduled {work}.\n  {effect}"


def wait_until_stopped(remote: Remote, path: str, stopped: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """Return the counts of the stopped mail when they are settled, or the current counts after this time."""

    def read() -> dict[str, Any]:
        try:
            current: dict[str, Any] = remote.get(f"{path}/revocation")["stopped"]
        except StackError as error:
            raise StackError(f"The key is revoked, and the sweeper stops what it scheduled. {error}") from None
        return current

    return poll(stopped, read, lambda _: "mail of the key", seconds=seconds)


def describe(answer: dict[str, Any]) -> str:
    """Return the end of a key as text."""
    first = f"The key {clean(answer['name'])} ({answer['id']}) is revoked."
    if answer["stopped"] is None:
        return first
    stopped = answer["stopped"]
    cancelled = f"Cancelled: {plural(stopped['campaigns'], 'campaign')}, {plural(stopped['batches'], 'batch')}."
    state = "" if stopped["settled"] else " Workers still have some mail of it; the sweeper does the rest."
    receipts = [
        f"  receipt {receipt['id']}: {plural(stopped_by(receipt), 'message')} stopped"
        for receipt in stopped["receipts"]
    ]
    others = f"Stopped in other batches: {plural(stopped['messages'], 'message')}."
    return "\n".join([f"{first} {cancelled} {others}{state}", *receipts])
