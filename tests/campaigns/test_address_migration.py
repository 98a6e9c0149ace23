"""Addresses stored before they had one form: the migrations fold them, and merge contacts that are the same."""

from __future__ import annotations

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.db import connection

from accounts.models import Account
from campaigns.audience.models import Audience, Contact, ContactList, Engagement, EngagementKind, Membership
from mailer.models import Suppression, SuppressionKind
from tests.campaigns.building import add_list

EDITOR: Any = SimpleNamespace(connection=connection)
FIRST, SECOND = (dt.datetime(2026, 5, day, tzinfo=dt.UTC) for day in (1, 2))


def migrate() -> None:
    for name in ("mailer.migrations.0006_addresses", "campaigns.migrations.0009_addresses"):
        import_module(name).fold_addresses(apps, EDITOR)


def test_contacts_with_one_address_become_one(alice: Account, charlie: Account) -> None:
    kept = Contact.objects.create(
        account=alice, email="ada@bücher.example", first_name="Ada", custom={"1": "a"}, last_opened_at=FIRST
    )
    gone = Contact.objects.create(
        account=alice,
        email="ada@xn--bcher-kva.example",
        external_id="x1",
        first_name="Other",
        last_name="L",
        custom={"1": "b", "2": "c"},
        alternate_emails=["o@Bücher.example"],
        last_opened_at=SECOND,
    )
    stranger = Contact.objects.create(account=charlie, email="ada@bücher.example")
    bystander = Contact.objects.create(account=alice, email="bob@example.com")
    Audience.objects.update_or_create(account=alice, defaults={"contacts": 3})
    both, one = add_list(alice, [kept, gone], "both"), add_list(alice, [gone, bystander], "one")
    for contact, at in ((kept, FIRST), (gone, SECOND)):
        Engagement.objects.create(contact_id=contact.pk, campaign_id=7, kind=EngagementKind.OPENED, at=at)
    migrate()
    merged = Contact.objects.get(pk=kept.pk)
    assert (merged.email, merged.external_id) == ("ada@xn--bcher-kva.example", "x1")
    assert (merged.first_name, merged.last_name, merged.custom) == ("Ada", "L", {"1": "a", "2": "c"})
    assert (merged.alternate_emails, merged.last_opened_at) == (["o@xn--bcher-kva.example"], SECOND)
    assert set(Contact.objects.filter(account=alice)) == {merged, bystander}
    assert Audience.objects.get(account=alice).contacts == 2
    counts = dict(ContactList.objects.values_list("pk", "contact_count"))
    for each, members in ((both, {merged.pk}), (one, {merged.pk, bystander.pk})):
        assert set(Membership.objects.filter(list=each).values_list("contact_id", flat=True)) == members
        assert counts[each.pk] == len(members)
    assert list(Engagement.objects.values_list("contact_id", "at")) == [(merged.pk, SECOND)]
    assert Contact.objects.get(pk=stranger.pk).email == "ada@xn--bcher-kva.example"


def test_a_contact_that_has_no_other_form_stays(alice: Account) -> None:
    emails = ["ann@example.com", "ann@\U0001f4a9.example", None]
    for number, email in enumerate(emails):
        Contact.objects.create(account=alice, email=email, external_id=f"x{number}")
    migrate()
    assert list(Contact.objects.order_by("pk").values_list("email", flat=True)) == emails


def test_suppressions_of_one_address_become_one(alice: Account) -> None:
    for email in ("e\u0301@example.com", "\u00e9@example.com", "o\u0308@example.com", "ann@example.com"):
        Suppression.objects.create(account=alice, email=email, kind=SuppressionKind.GLOBAL)
    migrate()
    found = sorted(Suppression.objects.values_list("email", flat=True))
    assert found == ["ann@example.com", "\u00e9@example.com", "\u00f6@example.com"]
