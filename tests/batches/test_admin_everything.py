"""Test the freeze of the whole installation, in the admin and on the command line."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Batch, Parcel, Receipt, Worker
from batches.states import ParcelState
from batches.stop.freeze import freeze_installation, is_installation_frozen
from foundation.clock import database_now
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft
from tests.operators import logged_in

FREEZE_ALL, THAW_ALL = "/admin/freeze-everything/", "/admin/thaw-everything/"


@pytest.fixture
def busy(alice: Account) -> Account:
    """Return Alice, with four messages due tomorrow."""
    tomorrow = database_now() + dt.timedelta(days=1)
    accept_mail(alice, draft(4, batch_id=create_batch(alice).public_id, send_at=tomorrow))
    return alice


def test_everything_is_frozen_and_thawed_by_a_superuser(operator: Client, busy: Account) -> None:
    assert FREEZE_ALL in operator.get("/admin/").text
    assert "no more mail of any account is sent" in operator.get(FREEZE_ALL).text
    assert not is_installation_frozen()
    answer = operator.post(FREEZE_ALL, {"reason": "fire"}, follow=True)
    assert is_installation_frozen()
    receipt = Receipt.objects.get()
    assert (receipt.action, receipt.account, receipt.reason) == ("freeze", None, "fire")
    assert "No more mail of the whole installation is sent until the thaw" in answer.text
    for path in ("/admin/", "/admin/batches/batch/", f"/admin/accounts/account/{busy.pk}/change/", "/admin/waves/"):
        page = operator.get(path).text
        assert "Frozen: no mail of any account is sent" in page, path
        assert THAW_ALL in page
    batch = Batch.objects.get(is_default=False)
    assert ">frozen<" in "".join(operator.get("/admin/batches/batch/").text.split())
    shown = " ".join(operator.get(f"/admin/batches/batch/{batch.pk}/change/").text.split())
    assert f"since {receipt.created_at:%Y-%m-%d %H:%M:%S} UTC" in shown, "and not since the batch was created"
    assert "already frozen" in operator.get(FREEZE_ALL, follow=True).text
    again = operator.post(FREEZE_ALL, {"reason": ""}, follow=True)
    assert "Nothing was changed: the installation is already frozen." in again.text
    assert "is sent again" in operator.post(THAW_ALL, {"reason": ""}, follow=True).text
    assert not is_installation_frozen()
    assert "Frozen: no mail of any account is sent" not in operator.get("/admin/").text
    assert "not frozen" in operator.get(THAW_ALL, follow=True).text


def test_only_operators_have_the_switch(database: None) -> None:
    everything_else = ("batches.change_batch", "accounts.change_account", "batches.view_batch")
    with logged_in("ivan", may=everything_else) as client:
        assert FREEZE_ALL not in client.get("/admin/").text
        for path in (FREEZE_ALL, THAW_ALL):
            assert client.get(path).status_code == client.post(path, {"reason": ""}).status_code == 403
        freeze_installation(actor="test")
        page = client.get("/admin/").text
        assert "Frozen: no mail of any account is sent" in page
        assert THAW_ALL not in page
    assert is_installation_frozen()


def test_forms_from_elsewhere_and_from_strangers_are_refused(operator: Client, client: Client) -> None:
    operator.handler.enforce_csrf_checks = True
    assert operator.post(FREEZE_ALL, {"reason": ""}).status_code == 403
    assert client.post(FREEZE_ALL, {"reason": ""}).headers["Location"].startswith("/admin/login/")
    assert not is_installation_frozen()


def run(command: str) -> dict[str, Any]:
    out = StringIO()
    call_command(command, "--reason", "fire", "--json", stdout=out)
    receipt: dict[str, Any] = json.loads(out.getvalue())
    return receipt


def test_everything_is_frozen_and_thawed_from_the_command_line(busy: Account) -> None:
    receipt = run("freeze_everything")
    assert is_installation_frozen()
    assert (receipt["settled"], receipt["sent"], receipt["stopped"], receipt["in_flight"]) == (True, 0, 4, 0)
    with pytest.raises(CommandError, match="already frozen") as refusal:
        run("freeze_everything")
    assert refusal.value.returncode == 2
    assert run("thaw_everything")["action"] == "thaw"
    assert not is_installation_frozen()
    reasons = Receipt.objects.values_list("actor", "reason")
    assert set(reasons) == {("command line", "fire")}


def test_the_exit_code_shows_that_a_stop_is_not_settled(busy: Account, settings: Any) -> None:
    settings.STOP_WAIT_SECONDS = 0.0
    worker = Worker.objects.create(pk=1, node="test")
    Parcel.objects.filter(account=busy).update(
        state=ParcelState.CLAIMED, worker_id=worker.pk, fence=1, slice_no=1, slice_from=0, slice_to=4
    )
    out = StringIO()
    with pytest.raises(CommandError, match="Not settled yet") as refusal:
        call_command("freeze_everything", stdout=out)
    assert refusal.value.returncode == 1
    assert "settled False" in out.getvalue()
    assert "in_flight 4" in out.getvalue()
