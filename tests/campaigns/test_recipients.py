"""Test the list of a campaign's recipients, which reads packed and single events alike."""

from __future__ import annotations

from accounts.models import Account
from campaigns.lifecycle import send_now
from campaigns.recipients import Page, RecipientFilter, list_recorded
from mailer.models import Event, EventKind
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.building import again, expand_all, ready_campaign, run_fleet
from tests.peer import CountingPeer


def test_recipients_have_the_outcome_of_their_message_whether_it_is_packed_or_not(
    alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    campaign = ready_campaign(alice, recipients=20)
    send_now(alice, campaign.pk)
    expand_all()
    peer.replies["r3@example.com"] = "550 5.1.1 nobody"
    run_fleet(deliverer)
    campaign = again(campaign)
    (packed,) = Event.objects.filter(members__isnull=False)
    assert packed.kind == EventKind.SENT
    everybody, total = list_recorded(campaign, Page(limit=50, offset=0))
    assert total == 20
    assert {row.email: row.status for row in everybody} == {
        f"r{n}@example.com": "failed" if n == 3 else "sent" for n in range(20)
    }
    assert {row.sent_at for row in everybody if row.status == "sent"} == {packed.at}
    assert {row.email for row in everybody if row.reply and "nobody" in row.reply} == {"r3@example.com"}
    assert {row.reply[:3] for row in everybody if row.reply and row.status == "sent"} == {"250"}
    assert [row.email for row in everybody if not row.reply] == []
    page, _ = list_recorded(campaign, Page(limit=3, offset=10))
    assert page == everybody[10:13]
    sent, total = list_recorded(campaign, Page(limit=3, offset=10), RecipientFilter(status="sent"))
    assert (sent, total) == ([row for row in everybody if row.status == "sent"][10:13], 19)
