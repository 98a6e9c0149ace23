"""The recipients and exclusions that are counted before a launch are those of the launch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.html import strip_tags

from accounts.models import Account
from audience.errors import SearchTooSlow, TooManyCalls
from audience.models import Contact, Segment
from audience.query.condition_json import to_json
from audience.query.conditions import InList
from campaigns.admin import reach as page
from campaigns.lifecycle import send_now
from campaigns.models import Campaign
from campaigns.reach import Exclusion, Reach, count_reach, find_exclusion
from content.models import MailSettings
from mailer.models import Message, Suppression, SuppressionKind, UnsubscribeGroup
from tests.campaigns.building import add_contacts, add_list, again, expand_all, ready_campaign
from tests.examples import further

K = SuppressionKind
EXCLUDED: dict[str, tuple[list[SuppressionKind], Exclusion]] = {
    "invalid": ([K.GROUP, K.INVALID, K.BOUNCE], Exclusion.INVALID),
    "bounced": ([K.SPAM, K.BOUNCE], Exclusion.BOUNCE),
    "spam": ([K.GLOBAL, K.SPAM], Exclusion.SPAM),
    "global": ([K.GLOBAL, K.GROUP, K.BLOCK], Exclusion.GLOBAL),
    "group": ([K.GROUP, K.BLOCK], Exclusion.GROUP),
}
REACHED = ["plain", "blocked", "other-group", "exempt", "of-another-account"]


def suppress(account: Account, name: str, *kinds: SuppressionKind, group: UnsubscribeGroup | None) -> None:
    for kind in kinds:
        of_group = group if kind == K.GROUP else None
        Suppression.objects.create(account=account, email=f"{name}@example.com", kind=kind, group=of_group)


@pytest.fixture
def mixed(alice: Account, charlie: Account) -> Campaign:
    """Create a draft to contacts of every kind, with one contact on two lists and in two segments."""
    campaign = ready_campaign(alice, recipients=0)
    group = campaign.suppression_group
    contacts = add_contacts(alice, [f"{name}@example.com" for name in (*EXCLUDED, *REACHED)])
    contacts += [Contact.objects.create(account=alice, external_id="a customer without an address")]
    for name, (kinds, _) in EXCLUDED.items():
        suppress(alice, name, *kinds, group=group)
    suppress(alice, "blocked", K.BLOCK, group=None)
    suppress(alice, "other-group", K.GROUP, group=UnsubscribeGroup.objects.create(account=alice, name="other"))
    suppress(alice, "exempt", K.GLOBAL, K.BOUNCE, group=None)
    suppress(charlie, "of-another-account", K.GLOBAL, group=None)
    MailSettings.objects.create(account=alice, never_suppressed=["exempt@example.com"])
    plain = [each for each in contacts if each.email == "plain@example.com"]
    condition = to_json(InList(add_list(alice, plain, "of the segments").pk))
    segments = [
        Segment.objects.create(account=alice, name=name, condition=condition, dialect="sgql", written="")
        for name in ("one", "two")
    ]
    campaign.lists.set([add_list(alice, contacts, "everybody"), add_list(alice, plain, "some")])
    campaign.segments.set(segments)
    return campaign


@further
def test_the_count_is_that_of_the_launch(mixed: Campaign, alice: Account) -> None:
    reach = count_reach(mixed)
    reasons = {Exclusion.NO_ADDRESS, *(reason for _, reason in EXCLUDED.values())}
    assert reach == Reach(len(REACHED), dict.fromkeys(reasons, 1), duplicates=2)

    send_now(alice, mixed.pk)
    expand_all()

    launch = again(mixed).launch
    assert launch is not None
    assert (launch.recipients, launch.invalid) == (reach.recipients, reach.exclusions[Exclusion.NO_ADDRESS])
    assert launch.unsubscribed == reach.left_out - launch.invalid
    messages = Message.objects.filter(mail_id=launch.mail_id)
    assert sorted(messages.values_list("recipient", flat=True)) == sorted(f"{name}@example.com" for name in REACHED)


def test_each_exclusion_is_the_reason_for_which_a_launch_makes_no_message(mixed: Campaign, alice: Account) -> None:
    contacts = {contact.email or "": contact for contact in Contact.objects.filter(account=alice)}
    expected = {f"{name}@example.com": reason for name, (_, reason) in EXCLUDED.items()} | {"": Exclusion.NO_ADDRESS}
    for email, contact in contacts.items():
        assert find_exclusion(mixed, contact.pk) == expected.get(email), email
    stranger = add_contacts(alice, ["stranger@example.com"])[0]
    with pytest.raises(LookupError):
        find_exclusion(mixed, stranger.pk)
    mixed.is_to_all = True
    assert find_exclusion(mixed, stranger.pk) is None
    everybody = count_reach(mixed)
    assert (everybody.recipients, everybody.duplicates) == (len(REACHED) + 1, 0)
    mixed.suppression_group = None
    assert Exclusion.GROUP not in count_reach(mixed).exclusions


def test_send_campaign_tells_the_recipients_before_it_is_confirmed(
    operator: Client, mixed: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/admin/campaigns/campaign/{mixed.pk}"
    question = operator.get(f"{url}/send/").text
    assert "5 recipients will get it, and 6 contacts will not:" in strip_tags(question)
    for reason in Exclusion:
        assert f">{reason.value}</th>" in question, reason
    assert "Duplicates: 2." in strip_tags(question)

    monkeypatch.setattr(page, "COUNTED_AT_ONCE", 0)
    mixed.segments.clear()
    large = operator.get(f"{url}/send/").text
    assert "will get it" not in large
    assert f'hx-get="{url}/reach/"' in large
    assert "5 recipients will get it" in strip_tags(operator.get(f"{url}/reach/").text)
    for error, text in ((SearchTooSlow(), "too large to be counted"), (TooManyCalls(), "are being counted")):
        monkeypatch.setattr(page, "count_reach", raising(error))
        answer = operator.get(f"{url}/reach/").text
        assert text in answer
        assert "at most 12 contacts" in strip_tags(answer)
        assert ("hx-get" in answer) == isinstance(error, TooManyCalls)


def raising(error: Exception) -> Callable[[Campaign], Reach]:
    """Return a count that fails."""

    def count(campaign: Campaign) -> Reach:
        raise error

    return count
