"""Test the command `manage.py show_batch`."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from batches.handles import create_batch
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft


def show(*arguments: str) -> str:
    out = StringIO()
    call_command("show_batch", *arguments, stdout=out)
    return out.getvalue()


def test_batches_are_shown_in_lines_and_as_json(alice: Account) -> None:
    full, empty = create_batch(alice).public_id, create_batch(alice).public_id
    accept_mail(alice, draft(3, batch_id=full, send_at=database_now() + dt.timedelta(hours=1)))
    assert show(full, empty) == f"{full}  open: 3 accepted, 3 scheduled\n{empty}  open: no messages\n"
    shown = json.loads(show("--json", full))
    assert (shown[full]["status"], shown[full]["counts"]["scheduled"]) == ("open", 3)
    with pytest.raises(CommandError, match="there is no batch nothing"):
        show("nothing")
