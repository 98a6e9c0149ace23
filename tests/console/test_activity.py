"""The page Activity lists receipts, changes and sign-ins by time, to those who may see them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import override_settings

from accounts.models import Account
from batches.handles import create_batch
from batches.models import Receipt
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from batches.stop.freeze import freeze_account
from console import sign_ins
from console.activity import page
from console.activity.page import read_position, write_position
from console.models import SignIn
from console.sign_ins import forget_sign_ins
from mailer.pipeline.accept import accept_mail
from tests.conftest import Clock
from tests.drafts import draft
from tests.operators import logged_in

ACTIVITY = "/admin/activity/"


def rows_of(client: Client, **query: str) -> list[str]:
    """Return the rows of the page as texts, with their cells parted by bars."""
    text = client.get(ACTIVITY, query).content.decode()
    rows = re.findall(r'<tr role="row">(?!<th).*?</tr>', text, re.DOTALL)
    cells = [re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL) for row in rows]
    return ["|".join(re.sub(r"<[^>]*>|\s+", " ", cell).strip() for cell in row[1:]) for row in cells]


@pytest.fixture
def history(alice: Account, charlie: Account, clock: Clock) -> None:
    """Freeze Alice by a key, pause a batch of Charlie by an operator, and change Alice in the console."""
    freeze_account(alice, actor="key abc (shop)", reason="<b>wrong</b> price")
    batch = create_batch(charlie)
    accept_mail(charlie, replace(draft(1, batch_id=batch.public_id), subject="Spring offers"))
    clock.advance(hours=48)
    allowed = {BatchStatus.OPEN}
    stop_batch(charlie, batch.public_id, BatchStatus.PAUSED, actor="operator olga", allowed_from=allowed)
    olga = User.objects.create_user("olga")
    LogEntry.objects.log_actions(olga.pk, [alice], CHANGE, change_message="Changed the limit.", single_object=True)
    LogEntry.objects.update(action_time=Receipt.objects.latest("pk").created_at + dt.timedelta(microseconds=1))


def test_everything_is_in_one_list_by_time_and_filters_select(history: None) -> None:
    with logged_in("viewer") as client:
        rows = rows_of(client)
        (signed_in, change, paused, frozen) = rows[0], *rows[-3:]
        assert change == "change|operator olga|Account changed: alice||Changed the limit."
        assert paused == "receipt|operator olga|Pause of Spring offers|charlie|"
        assert frozen.startswith("receipt|key abc (shop)|Freeze of the account and its subusers|alice|&lt;b&gt;wrong")
        assert signed_in == "sign-in|operator viewer|Signed in||"
        assert rows_of(client, person="olga") == [change, paused]
        assert rows_of(client, person="key abc (shop)") == [frozen]
        assert rows_of(client, account="alice") == [change, frozen]
        assert rows_of(client, account="alice", person="olga") == [change]
        day = Receipt.objects.earliest("pk").created_at.date().isoformat()
        assert [row for row in rows_of(client, day=day) if not row.startswith("sign-in")] == [frozen]
        assert client.get(ACTIVITY, {"account": "nobody"}).status_code == 400


def test_pages_have_every_entry_once(history: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with logged_in("viewer") as client:
        every = rows_of(client)
        monkeypatch.setattr(page, "SHOWN", 2)
        seen, address = [], ACTIVITY
        while address:
            text = client.get(address).content.decode()
            seen += rows_of(client, **dict(re.findall(r"[?&](below)=(\w+)", address)))
            older = re.search(r'id="older"[^>]*href="([^"]*)"', text)
            address = older[1] if older else ""
    assert seen == every
    assert read_position(write_position({"r": 5, "c": 7})) == {"r": 5, "c": 7}
    assert read_position("nonsense") == {}


def test_operators_see_only_what_they_may_see(history: None) -> None:
    for permission, kind in (
        ("batches.view_receipt", "receipt"),
        ("admin.view_logentry", "change"),
        ("console.view_signin", "sign-in"),
    ):
        with logged_in("viewer", may=(permission,)) as client:
            assert {row.split("|")[0] for row in rows_of(client)} == {kind}
    with logged_in("viewer", may=("batches.view_batch",)) as client:
        assert client.get(ACTIVITY).status_code == 403


@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
def test_sign_ins_and_failures_are_recorded_without_what_was_typed_as_a_name(database: None) -> None:
    User.objects.create_user("olga", password="correct horse", is_staff=True)
    client = Client(REMOTE_ADDR="192.0.2.7")
    for username, password in (("olga", "wrong"), ("my secret passw0rd", "x"), ("olga", "correct horse")):
        client.post("/admin/login/", {"username": username, "password": password, "next": "/admin/"})
    client.post("/admin/logout/")
    assert list(SignIn.objects.order_by("pk").values_list("kind", "username", "address")) == [
        (SignIn.Kind.FAILED, "olga", "192.0.2.7"),
        (SignIn.Kind.FAILED, "", "192.0.2.7"),
        (SignIn.Kind.SIGNED_IN, "olga", "192.0.2.7"),
        (SignIn.Kind.SIGNED_OUT, "olga", "192.0.2.7"),
    ]


def test_old_sign_ins_and_many_failures_are_forgotten(
    database: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    SignIn.objects.create(kind=SignIn.Kind.SIGNED_IN, username="old")
    clock.advance(hours=366 * 24)
    SignIn.objects.create(kind=SignIn.Kind.SIGNED_IN, username="new")
    for number in range(5):
        SignIn.objects.create(kind=SignIn.Kind.FAILED, username=f"failed{number}")
    monkeypatch.setattr(sign_ins, "FAILED_KEPT", 2)
    assert forget_sign_ins() == 4
    assert list(SignIn.objects.order_by("pk").values_list("username", flat=True)) == ["new", "failed3", "failed4"]
