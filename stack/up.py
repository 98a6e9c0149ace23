"""Run the whole stack until Ctrl-C: the command `./sluice up`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from stack import parsers
from stack.first_run import write_private
from stack.running import RunningStack, running_stack
from stack.say import say, show
from stack.waiting import Interrupted

MAIL = (
    '{"personalizations": [{"to": [{"email": "ada@example.com"}]}], "from": {"email": "sluice@example.com"}, '
    '"subject": "Hello", "content": [{"type": "text/plain", "value": "One minute later."}], "send_at": '
)


def main(arguments: list[str]) -> int:
    """Run the stack until Ctrl-C, SIGTERM or a closed terminal, and return 0.

    Raises StackError if an engine ends, or another program again and again.
    """
    options = parsers.up().parse_args(arguments)
    state = options.state.absolute()
    ready = (options.ready_file or state / "ready.json").absolute()
    if options.ready_file:
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
    try:
        with running_stack(state=state, port=options.port) as stack:
            write_private(ready, ready_facts(stack))
            show(welcome(stack) if sys.stdout.isatty() else announcement(stack, ready))
            stack.wait_for_ever()
    except Interrupted:
        say("Stopped.")
    return 0


def ready_facts(stack: RunningStack) -> dict[str, str]:
    """Return the facts that a script needs."""
    return {
        "base_url": stack.base_url,
        "api_key": stack.logins.api_key,
        "admin_url": f"{stack.base_url}/admin/",
        "admin_username": stack.logins.admin_username,
        "admin_password": stack.logins.admin_password,
        "inbox": str(stack.inbox or ""),
    }


def announcement(stack: RunningStack, ready: Path) -> str:
    """Describe the running stack without its secrets, for output that is not a terminal and may be stored as a log."""
    return f"""
  Admin      {stack.base_url}/admin/
  API        {stack.base_url}
  Logins     in {ready}
  Data       {stack.state}

SIGTERM stops everything."""


def welcome(stack: RunningStack) -> str:
    """Describe the running stack with its logins, for a person at a terminal."""
    facts = ready_facts(stack)
    return f"""
  Admin      {facts["admin_url"]}   {facts["admin_username"]} / {facts["admin_password"]}
  API        {facts["base_url"]}
  API key    {facts["api_key"]}
  Inbox      {facts["inbox"] or stack.environment["SMTP_URL"]}
  Data       {stack.state}

Schedule a message for one minute from now:

{curl_line(stack)}

Ctrl-C stops everything."""


def curl_line(stack: RunningStack) -> str:
    """Return a line that works as pasted."""
    key = shlex.quote(f"Authorization: Bearer {stack.logins.api_key}")
    body = f"'{MAIL}'$(( $(date +%s) + 60 ))'}}'"
    return f"curl -i {stack.base_url}/v3/mail/send -H {key} -H 'Content-Type: application/json' -d {body}"
