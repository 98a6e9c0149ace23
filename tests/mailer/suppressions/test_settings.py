"""The settings of an account change which suppressions count, and how long bounces and blocks are kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from content.settings import change_setting
from mailer import sweep
from mailer.models import Suppression, SuppressionKind, UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from mailer.suppressions.check import find_suppressions
from mailer.suppressions.lists import New, leave_everything, leave_group, suppress
from mailer.suppressions.queries import FIND_SUPPRESSIONS
from tests.conftest import Clock
from tests.examples import further
from tests.mailer.suppressions.conftest import Send
from tests.peer import CountingPeer

KINDS = [kind for kind in SuppressionKind if kind is not SuppressionKind.GROUP]


def exempt(account: Account, *entries: str) -> None:
    change_setting(account, "address_whitelist", {"enabled": True, "list": list(entries)})


def test_an_exempt_address_or_domain_gets_mail_in_spite_of_every_suppression(
    alice: Account, charlie: Account, news: UnsubscribeGroup, send: Send, peer: CountingPeer, deliverer: Deliverer
) -> None:
    people = ["ada@example.com", "bob@Bücher.example", "eve@sub.bücher.example", "ada@example.org"]
    suppress(New(alice.pk, email, kind) for email in people for kind in KINDS)
    leave_group(alice, news.pk, people)
    leave_everything(charlie, people)
    exempt(alice, "Ada@example.com", "bücher.EXAMPLE")
    send(*people, unsubscribe_group=news.pk)
    send(*people, account=charlie)
    while deliverer.deliver_due(seconds=10):
        pass
    assert sorted(peer.recipients) == ["ada@example.com", "bob@xn--bcher-kva.example"]


def test_exempt_addresses_cost_no_statement_and_are_looked_up_for_suppressed_recipients_only(alice: Account) -> None:
    leave_everything(alice, ["left@example.com"])
    exempt(alice, "example.org")
    with CaptureQueriesContext(connection) as queries:
        suppressions = find_suppressions({(alice.pk, "left@example.com"), (alice.pk, "stays@example.com")})
    assert (list(suppressions), len(queries)) == ([(alice.pk, "left@example.com")], 0), "a prepared statement alone"
    with connection.cursor() as cursor:
        addresses = [f"stays{n}@example.com" for n in range(100)]
        values = {"accounts": [alice.pk] * 100, "emails": addresses}
        cursor.execute(f"explain (analyze, costs off, timing off) {FIND_SUPPRESSIONS}", values)
        plan = [line for (line,) in cursor.fetchall()]
    lines = [line for line in plan if "content_mailsettings" in line]
    assert lines, plan
    assert all("never executed" in line for line in lines), plan


@pytest.fixture
def old_and_new(alice: Account, charlie: Account, clock: Clock) -> None:
    """Suppress an address of each account in every way, 10 days ago and now."""
    for name in ("old", "new"):
        suppress(New(each.pk, f"{name}@example.com", kind) for each in (alice, charlie) for kind in KINDS)
        clock.advance(hours=240 if name == "old" else 0)


def emails(account: Account, kind: SuppressionKind) -> list[str]:
    rows = Suppression.objects.filter(account=account, kind=kind)
    return sorted(rows.values_list("email", flat=True))


ALL = ["new@example.com", "old@example.com"]


@further
def test_old_bounces_and_blocks_are_removed_once_an_hour(
    alice: Account, charlie: Account, old_and_new: None, clock: Clock
) -> None:
    change_setting(alice, "bounce_purge", {"enabled": True, "hard_bounces": 9, "soft_bounces": 11})
    assert sweep.sweep()["purge_bounces"] == 1
    assert emails(alice, SuppressionKind.BOUNCE) == ["new@example.com"]
    for account, kind in [(charlie, SuppressionKind.BOUNCE), *((alice, kind) for kind in KINDS)]:
        if (account, kind) != (alice, SuppressionKind.BOUNCE):
            assert emails(account, kind) == ALL, (account, kind)
    change_setting(alice, "bounce_purge", {"soft_bounces": 9})
    assert sweep.sweep()["purge_bounces"] == 0
    clock.advance(hours=1)
    assert sweep.sweep()["purge_bounces"] == 1
    assert emails(alice, SuppressionKind.BLOCK) == ["new@example.com"]


def test_a_round_removes_a_part_and_the_next_one_continues(
    alice: Account, old_and_new: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"enabled": True, "hard_bounces": 1, "soft_bounces": 1}
    change_setting(alice, "bounce_purge", settings)
    suppress(New(alice.pk, f"old{n}@example.com", SuppressionKind.BOUNCE) for n in range(4))
    Suppression.objects.update(created_at="2000-01-01T00:00Z")
    monkeypatch.setattr(sweep, "PRUNE_PAGE", 3)
    monkeypatch.setattr(sweep, "PAGES_SECONDS", 0.0)
    assert [sweep.purge_bounces() for _ in range(4)] == [3, 3, 2, 0]
    assert not Suppression.objects.filter(account=alice, kind__in=(SuppressionKind.BOUNCE, SuppressionKind.BLOCK))
