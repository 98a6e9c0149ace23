"""Show what is being sent, what comes within an hour, and what needs a person: the command `./sluice ps`."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Any

from stack import StackError, parsers
from stack.drawing import bar, clean, clock, number, paint, plural, span, table
from stack.remote import Remote, find_remote
from stack.say import say, show
from stack.waiting import Interrupted

WATCH_SECONDS = 2.0
CLEAR = "\x1b[H\x1b[J"
WAITING_STATES = ("scheduled", "due", "claimed", "retained", "held")


def main(arguments: list[str]) -> int:
    """Show everything once, or again and again until Ctrl-C; return 0."""
    options = parsers.ps().parse_args(arguments)
    remote = find_remote(options)
    if not options.watch:
        show(written(remote.get("/now"), as_json=options.json))
        return 0
    with suppress(Interrupted):
        watch(remote, as_json=options.json)
    return 0


def watch(remote: Remote, *, as_json: bool) -> None:
    """Show everything until a signal comes, or until nobody reads the output any more, as after `| head`.

    An error is shown, too, and does not end it: the next answer may succeed.
    """
    clear = CLEAR if sys.stdout.isatty() and not as_json else ""
    while True:
        try:
            if not show(clear + written(remote.get("/now"), as_json=as_json, is_one_line=True)):
                return
        except StackError as error:
            say(f"sluice: {error}")
        time.sleep(WATCH_SECONDS)


def written(now: dict[str, Any], *, as_json: bool, is_one_line: bool = False) -> str:
    """Return the answer of the API as JSON or as text."""
    return json.dumps(now, indent=None if is_one_line else 2) if as_json else describe(now)


def describe(now: dict[str, Any]) -> str:
    """Return the text: problems first, then what runs and what comes."""
    parts = [
        *([problems_of(now)] if now["problems"] else []),
        running_of(now),
        coming_of(now),
        paint(f"At {clock(now['at'])} UTC. Stop one with ./sluice stop ID, or with a part of its name.", "dim"),
    ]
    return "\n\n".join(parts)


def problems_of(now: dict[str, Any]) -> str:
    lines = [f"  {clean(problem['text'])}" for problem in now["problems"]]
    return "\n".join([paint(plural(len(lines), "problem").capitalize(), "red"), *lines])


def running_of(now: dict[str, Any]) -> str:
    title = paint("Being sent", "bold") + (" (the newest 50)" if now["has_more_running"] else "")
    rows = [running_row(mailing) for mailing in now["running"]]
    if not rows:
        return f"{title}\n  Nothing is being sent."
    headers = ["NAME", "ACCOUNT", "", "SENT", "WAITING", "PER SECOND", "REMAINING", "STATE", "ID"]
    return f"{title}\n{table(headers, rows, right='defg')}"


def running_row(mailing: dict[str, Any]) -> list[str]:
    counts = mailing["counts"]
    rate = "-" if mailing["rate"] is None else f"{mailing['rate']:,.1f}"
    state = mailing["gate"] + (f": {mailing['waits']}" if mailing["waits"] else "")
    return [
        name_of(mailing),
        mailing["account"],
        bar(mailing["messages"] - waiting(counts), mailing["messages"]),
        number(counts["sent"]),
        number(waiting(counts)) + ("+" if mailing["expanding"] else ""),
        rate,
        span(mailing["remaining_seconds"]),
        state,
        id_of(mailing),
    ]


def coming_of(now: dict[str, Any]) -> str:
    title = paint("Next 60 minutes", "bold") + (" (the first 50)" if now["has_more_next"] else "")
    rows = [
        [
            name_of(mailing),
            mailing["account"],
            clock(mailing["at"]),
            number(mailing["messages"]) + ("" if mailing["complete"] else "+"),
            mailing["fate"],
            id_of(mailing),
        ]
        for mailing in now["next"]
    ]
    if not rows:
        return f"{title}\n  Nothing is scheduled."
    return f"{title}\n{table(['NAME', 'ACCOUNT', 'AT (UTC)', 'MESSAGES', 'WHAT HAPPENS', 'ID'], rows, right='d')}"


def waiting(counts: dict[str, int]) -> int:
    """Return the messages that may still be sent."""
    return sum(counts[state] for state in WAITING_STATES)


def name_of(mailing: dict[str, Any]) -> str:
    """Return the label; the default batch of an account has none."""
    return str(mailing["label"] or (mailing["batch_id"] or "mail without a batch"))


def id_of(mailing: dict[str, Any]) -> str:
    """Return the id by which `./sluice stop` knows it; a dash for mail without a batch."""
    return str(mailing["campaign_id"] or mailing["batch_id"] or "-")
