"""Stop, pause or resume a batch, a campaign or an account: `./sluice stop`, `pause` and `resume`.

A dry run counts what would happen, a person confirms it, and the receipt is shown until it is settled. A batch or a
campaign that is stopped is cancelled. An account is frozen, whether it is stopped or paused: its mail is kept, and
`resume` thaws it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from stack import parsers
from stack.asking import confirm
from stack.drawing import paint, plural
from stack.remote import Remote, find_remote
from stack.say import say, show
from stack.targets import Target, find_account, find_target

UNSETTLED = 4
"""The exit code if the change was made, but workers still had mail of it at the end of the wait."""
POLL_SECONDS = 0.5
WORDS = {"cancel": "Stop", "pause": "Pause", "resume": "Resume", "freeze": "Freeze", "thaw": "Thaw"}
OF_BATCHES = {"stop": "cancel", "pause": "pause", "resume": "resume"}
RELEASES = frozenset({"resume", "thaw"})
"""The actions after which mail can be sent again."""
OF_ACCOUNTS = {"stop": "freeze", "pause": "freeze", "resume": "thaw"}
EFFECTS = {
    "cancel": "{messages} will not be sent.",
    "pause": "{messages} will wait until it is resumed.",
    "resume": "{messages} can be sent again.",
    "freeze": "{messages} of it and its subusers will be kept until ./sluice resume --account.",
    "thaw": "{messages} of it and its subusers can be sent again.",
}


def stop(arguments: list[str]) -> int:
    """Cancel a batch or a campaign, or freeze an account."""
    return move("stop", arguments)


def pause(arguments: list[str]) -> int:
    """Pause a batch or a campaign, or freeze an account."""
    return move("pause", arguments)


def resume(arguments: list[str]) -> int:
    """Resume a batch or a campaign, or thaw an account."""
    return move("resume", arguments)


def move(command: str, arguments: list[str]) -> int:
    """Make the change; return 0 if its receipt is settled, and UNSETTLED if it is not yet."""
    options = parsers.moving(command).parse_args(arguments)
    remote = find_remote(options)
    target = find_target(remote, options.target, command) if options.target else find_account(remote, options.account)
    action = (OF_ACCOUNTS if target.kind == "account" else OF_BATCHES)[command]
    rehearsed = remote.post(f"{target.path}/{action}", {"dry_run": True}, account=target.account)
    confirm(question(action, target, rehearsed), is_confirmed=options.yes)
    answer = remote.post(f"{target.path}/{action}", {"reason": options.reason}, account=target.account)
    # The answer for a campaign has the receipt beside it; it is null if nothing was prepared yet.
    receipt = answer["receipt"] if target.kind == "campaign" else answer
    if receipt is None:
        show(json.dumps(answer, indent=2) if options.json else "It is cancelled. None of its mail had been prepared.")
        return 0
    receipt = wait_until_settled(remote, receipt, target, seconds=options.wait)
    show(json.dumps(receipt, indent=2) if options.json else describe(receipt))
    return 0 if receipt["settled"] else UNSETTLED


def question(action: str, target: Target, rehearsed: dict[str, Any]) -> str:
    """Return the question, with what the dry run has counted."""
    counts = rehearsed["counts"]
    effect = EFFECTS[action].format(messages=plural(rehearsed["affected"], "message"))
    sent = f"{plural(counts['sent'], 'message')} {'was' if counts['sent'] == 1 else 'were'} sent already."
    return f"{paint(f'{WORDS[action]} {target}?', 'bold', sys.stderr)}\n  {effect}\n  {sent}"


def wait_until_settled(remote: Remote, receipt: dict[str, Any], target: Target, *, seconds: float) -> dict[str, Any]:
    """Return the receipt when it is settled, or the current one after this time. Print the progress."""

    def read() -> dict[str, Any]:
        current: dict[str, Any] = remote.get(f"/receipts/{receipt['id']}", account=target.account)
        return current

    return poll(receipt, read, lambda each: plural(each["in_flight"], "message"), seconds=seconds)


def poll(
    body: dict[str, Any],
    read: Callable[[], dict[str, Any]],
    describe_work: Callable[[dict[str, Any]], str],
    *,
    seconds: float,
) -> dict[str, Any]:
    """Read a body again until it is settled, or until this time is over, and print which mail workers still have."""
    deadline, last_text = time.monotonic() + seconds, ""
    while not body["settled"] and time.monotonic() < deadline:
        text = f"Waiting for workers that still have {describe_work(body)}."
        if text != last_text:
            say(text)
            last_text = text
        time.sleep(POLL_SECONDS)
        body = read()
    return body


def describe(receipt: dict[str, Any]) -> str:
    """Return a receipt as text."""
    state = paint("settled", "green") if receipt["settled"] else paint("not settled yet", "yellow")
    outcome = ("released", released_by) if receipt["action"] in RELEASES else ("stopped", stopped_by)
    lines = [
        f"Receipt {receipt['id']} ({receipt['action']}): {state}",
        f"  sent before  {receipt['sent']:>12,}",
        f"  {outcome[0]:<11}  {outcome[1](receipt):>12,}",
        f"  in doubt     {receipt['in_doubt']:>12,}",
    ]
    if not receipt["settled"]:
        lines.append(f"  with workers {receipt['in_flight']:>12,}")
    return "\n".join(lines)


def stopped_by(receipt: dict[str, Any]) -> int:
    """Return how many messages a stop has stopped, without those that had ended before it."""
    return int(max(receipt["stopped"] - receipt["ended_before"], 0))


def released_by(receipt: dict[str, Any]) -> int:
    """Return how many messages can be sent again, unless something else stops them."""
    return int(max(receipt["stopped"] - receipt["ended"], 0))
