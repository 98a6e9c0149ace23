"""`./sluice up`: the whole stack, until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from stack import ROOT
from stack.first_run import write_private
from stack.running import RunningStack, running_stack
from stack.say import say, show
from stack.waiting import Interrupted

DEFAULT_STATE = ROOT / ".state"
MAIL = (
    '{"personalizations": [{"to": [{"email": "ada@example.com"}]}], "from": {"email": "sluice@example.com"}, '
    '"subject": "Hello", "content": [{"type": "text/plain", "value": "One minute later."}], "send_at": '
)


def main(arguments: list[str]) -> int:
    """0 after Ctrl-C, SIGTERM or a closed terminal; a program that ends by itself is an error (1)."""
    options = parser().parse_args(arguments)
    ready = options.ready_file
    if ready:
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
    try:
        with running_stack(state=options.state.absolute(), port=options.port) as stack:
            if ready:
                write_private(ready.absolute(), ready_facts(stack))
            show(welcome(stack))
            stack.wait_for_ever()
    except Interrupted:
        say("Stopped.")
    return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sluice up", description="Start everything and leave it running.")
    parser.add_argument("--port", type=int, default=8025, help="of the web, on 127.0.0.1 (default 8025, 0: a free one)")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help="where all data go")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="written as JSON once everything is up")
    return parser


def ready_facts(stack: RunningStack) -> dict[str, str]:
    """What a script needs."""
    return {
        "base_url": stack.base_url,
        "api_key": stack.logins.api_key,
        "admin_url": f"{stack.base_url}/admin/",
        "admin_username": stack.logins.admin_username,
        "admin_password": stack.logins.admin_password,
        "inbox": str(stack.inbox or ""),
    }


def welcome(stack: RunningStack) -> str:
    """What a person needs."""
    facts = ready_facts(stack)
    return f"""
  Admin      {facts["admin_url"]}   {facts["admin_username"]} / {facts["admin_password"]}
  API        {facts["base_url"]}
  API key    {facts["api_key"]}
  Inbox      {facts["inbox"] or stack.environment["SMTP_URL"]}
  Data       {stack.state}

Schedule a mail one minute ahead:

{curl_line(stack)}

Ctrl-C stops everything."""


def curl_line(stack: RunningStack) -> str:
    """One line that works as pasted."""
    key = shlex.quote(f"Authorization: Bearer {stack.logins.api_key}")
    body = f"'{MAIL}'$(( $(date +%s) + 60 ))'}}'"
    return f"curl -i {stack.base_url}/v3/mail/send -H {key} -H 'Content-Type: application/json' -d {body}"
