"""Test the mail of a campaign: its names before its sender's, its preheader, and its unsubscribe links."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from campaigns.content import content_of, with_preheader
from campaigns.editing import EditingRules, create_campaign, duplicate_campaign, edit_campaign
from campaigns.errors import ForeignContent, Need
from campaigns.models import Campaign
from campaigns.readiness import NEEDED, WITH_LINK, find_missing
from tests.campaigns.building import again, ready_campaign


def test_a_campaign_uses_its_own_from_name_or_its_senders(alice: Account) -> None:
    campaign = ready_campaign(alice)
    content = content_of(campaign)
    assert content.sender == ("news@example.com", "News")
    assert content.reply_to == ("answers@example.com", "")
    campaign.from_name, campaign.reply_to = "Acme", "us@acme.example"
    content = content_of(campaign)
    assert content.sender == ("news@example.com", "Acme")
    assert content.reply_to == ("us@acme.example", "")


@pytest.mark.parametrize(
    ("html", "before"),
    [("<p>x</p>", ""), ("<html><body class='a'><p>x</p></body></html>", "<html><body class='a'>"), ("", None)],
)
def test_a_preheader_is_the_first_line_of_the_html(html: str, before: str | None) -> None:
    shown = with_preheader(html, "Look <here> {{first_name}}")
    if before is None:
        assert shown == ""
        return
    assert shown.startswith(f'{before}<div style="display:none;')
    assert ">Look &lt;here&gt; {{first_name}}</div><p>x</p>" in shown
    tags = '{{insert city "default=A & B"}}<%asm_preferences_raw_url%>[%city | A & B%]'
    assert f">a &amp; b {tags}</div>" in with_preheader(html, f"a & b {tags}")
    assert with_preheader(html, " ") == html


def test_a_recipient_without_a_choice_of_groups_unsubscribes_globally(alice: Account, settings: Any) -> None:
    campaign = ready_campaign(alice)
    assert content_of(campaign).headers == {}
    campaign.suppression_group, campaign.preheader = None, "{{{ Unsubscribe }}}"
    settings.PUBLIC_URL = "http://sluice.example"
    content = content_of(campaign)
    assert content.headers == {"List-Unsubscribe": "<<%asm_global_unsubscribe_raw_url%>>"}
    assert all("<%asm_global_unsubscribe_raw_url%>" in text for _, text in content.parts)
    assert not any("unsubscribe]" in text or "Unsubscribe" in text for _, text in content.parts)
    settings.PUBLIC_URL = "https://sluice.example"
    assert content_of(campaign).headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_html_and_plain_text_follow_the_markdown(alice: Account) -> None:
    campaign = create_campaign(alice, {"title": "x", "markdown": "**a**"})
    assert (campaign.html_content, campaign.plain_content) == ("<p><strong>a</strong></p>", "a")
    campaign = edit_campaign(alice, campaign.pk, {"markdown": ""})
    assert (campaign.html_content, campaign.plain_content) == ("", "")


def test_writing_html_removes_the_markdown(alice: Account) -> None:
    campaign = create_campaign(alice, {"title": "x", "markdown": "**a**"})
    same = {"html_content": campaign.html_content, "plain_content": campaign.plain_content}
    assert edit_campaign(alice, campaign.pk, same).markdown == "**a**"
    changed = edit_campaign(alice, campaign.pk, {"html_content": "<p>b</p>"})
    assert (changed.markdown, changed.plain_content) == ("", ""), "the text would be that of the Markdown"
    with pytest.raises(ForeignContent):
        edit_campaign(alice, campaign.pk, {"markdown": "c"}, rules=EditingRules(overwrites=False))
    assert again(campaign).html_content == "<p>b</p>"
    assert edit_campaign(alice, campaign.pk, {"markdown": "c"}).html_content == "<p>c</p>"


def test_a_copy_has_its_markdown_and_its_names(alice: Account) -> None:
    fields = {"markdown": "**a**", "preheader": "p", "from_name": "n", "reply_to": "r@example.com"}
    copy = duplicate_campaign(alice, create_campaign(alice, {"title": "x", **fields}).pk)
    assert {name: getattr(copy, name) for name in fields} == fields
    assert copy.html_content == "<p><strong>a</strong></p>"


def test_each_api_needs_a_different_scope(alice: Account) -> None:
    campaign = Campaign.objects.create(account=alice, title="x")
    everything = find_missing(campaign, needs=frozenset(Need))
    assert set(find_missing(campaign, needs=NEEDED)) == {Need.SUBJECT, Need.SENDER, Need.CONTENT, Need.AUDIENCE}
    assert set(find_missing(campaign, needs=WITH_LINK)) == {
        *find_missing(campaign, needs=NEEDED),
        Need.UNSUBSCRIBE_CHOICE,
    }
    assert Need.FROM_NAME in everything
    assert find_missing(campaign, needs=frozenset()) == []
