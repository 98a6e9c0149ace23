"""The preview of a campaign shows the message that the chosen contact gets."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from html import unescape

import pytest
from django.test import Client

from accounts.models import Account
from audience.models import Contact
from campaigns.lifecycle import send_now
from campaigns.models import Campaign
from campaigns.preview import preview_campaign
from mailer.models import Mail, Message, Suppression, SuppressionKind
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.admin_pages import CAMPAIGNS
from tests.campaigns.building import add_contacts, ready_campaign, run_fleet
from tests.examples import further
from tests.operators import logged_in
from tests.peer import CountingPeer

HTML = "<p>Hello [%first_name | friend%]{{#if city}} of {{city}}{{/if}}</p><script>alert(1)</script>[unsubscribe]"


@pytest.fixture
def draft(alice: Account) -> Campaign:
    """Create a complete draft to Ada, Ben and Cleo, with templates."""
    campaign = ready_campaign(alice, html_content=HTML, plain_content="")
    for number, values in enumerate(({"first_name": "Ada", "city": "A&B"}, {"first_name": "Ben"}, {})):
        Contact.objects.filter(account=alice, email=f"r{number}@example.com").update(**values)
    return campaign


def without_tokens(text: str) -> str:
    """Return a text without the sealed parts of its links, which name the message, and in one form of line breaks."""
    return re.sub(r"/u/[\w-]+", "/u/", text).replace("\r\n", "\n").strip()


def test_the_preview_is_the_message_that_is_sent(
    draft: Campaign, alice: Account, deliverer: Deliverer, peer: CountingPeer
) -> None:
    contacts = list(Contact.objects.filter(account=alice).order_by("pk"))
    previews = {contact.email: preview_campaign(draft, contact.pk).preview for contact in contacts}
    assert not Mail.objects.exists()
    assert not Message.objects.exists()

    send_now(alice, draft.pk)
    run_fleet(deliverer)

    assert len(peer.ledger) == 3
    for received in peer.ledger:
        mime: EmailMessage = email.message_from_bytes(received.data, policy=email.policy.default)  # type: ignore[assignment]
        preview = previews[received.recipient]
        assert dict(preview.headers)["Subject"] == mime["Subject"]
        assert dict(preview.headers)["From"] == mime["From"].replace('"', "")
        sent = [without_tokens(part.get_content()) for part in mime.iter_parts()]
        assert [without_tokens(part.text) for part in preview.parts] == sent
    assert "Ada of A&amp;B" in previews["r0@example.com"].parts[1].text
    assert "Hello friend" in previews["r2@example.com"].parts[0].text
    defaults = preview_campaign(draft).preview
    assert dict(defaults.headers)["Subject"] == "News for you"
    assert "Hello friend</p>" in defaults.parts[1].text


@further
def test_an_operator_searches_for_the_contact_of_a_preview(
    operator: Client, draft: Campaign, alice: Account, charlie: Account
) -> None:
    (stranger,) = add_contacts(alice, ["stranger@example.com"], first_name="Zoe")
    (foreign,) = add_contacts(charlie, ["foreign@example.com"], first_name="Eve")
    Suppression.objects.create(account=alice, email="r1@example.com", kind=SuppressionKind.BOUNCE)

    def show(query: str = "") -> str:
        return unescape(operator.get(f"{CAMPAIGNS}{draft.pk}/preview/{query}").text)

    first = show()
    assert "Hello Ada of A&amp;B" in first, "the first contact of the audience is shown"
    assert '<iframe sandbox="" referrerpolicy="no-referrer"' in first
    assert "default-src 'none'" in first
    assert "<script>alert(1)</script>" not in operator.get(f"{CAMPAIGNS}{draft.pk}/preview/").text
    assert "News for Ben" in show("?q=R1@Example.com")
    assert "but will be left out: bounced." in show("?q=r1@example.com")
    assert "does not belong to the audience." in show("?q=zoe")
    assert "News for Zoe" in show(f"?contact={stranger.pk}")
    assert "No contact of alice has this address or name." in show("?q=foreign@example.com")
    assert "Eve" not in show(f"?contact={foreign.pk}")
    assert "This is the message for a contact without values" in show("?q=nobody@example.com")
    Campaign.objects.filter(pk=draft.pk).update(html_content="{{#if", sender=draft.sender)
    assert "There is no preview. In html_content, line 1" in show()
    Campaign.objects.filter(pk=draft.pk).update(html_content="", sender=None)
    assert "There is no preview yet. It needs a sender, content." in show()
    Campaign.objects.filter(pk=draft.pk).update(html_content=HTML, sender=draft.sender)
    with logged_in("vic", may=("campaigns.view_campaign",)) as viewer:
        seen = viewer.get(f"{CAMPAIGNS}{draft.pk}/preview/?q=r1@example.com").text
        assert "r1@example.com" not in seen
        assert "News for you" in seen
