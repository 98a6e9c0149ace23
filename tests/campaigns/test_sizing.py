"""A campaign is refused if its tags could make a message too large, whatever its contacts are called."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from accounts.models import Account
from audience.errors import InvalidContact
from audience.fields import create_field
from audience.models import FieldType
from audience.query.vocabulary import TEXT_LENGTH
from campaigns.content import LONGEST_VALUE, content_of
from campaigns.editing import edit_campaign
from campaigns.models import Campaign
from foundation.errors import UnfitCharacter
from mailer.errors import MessageTooLarge
from tests.audience.conftest import draft
from tests.campaigns.building import again, ready_campaign
from tests.examples import few_by_default, further

TAGS = ("[%pet%]", "{{pet}}", "{{{pet}}}", '{{insert pet "default=x"}}', "[Sender_Address]", "[unsubscribe]")


@pytest.mark.parametrize("field", few_by_default(["html_content", "plain_content"], "html_content"))
def test_content_of_too_many_tags_is_refused_and_nothing_is_stored(
    alice: Account, settings: Any, field: str, subtests: pytest.Subtests
) -> None:
    campaign = ready_campaign(alice)
    settings.MAX_MESSAGE_BYTES = 100_000
    for tag in TAGS:
        edit_campaign(alice, campaign.pk, {field: tag * 5})
        before = again(campaign)
        with subtests.test(tag), pytest.raises(MessageTooLarge):
            edit_campaign(alice, campaign.pk, {field: tag * 400})
        assert again(campaign).html_content == before.html_content, tag
        assert again(campaign).plain_content == before.plain_content, tag


def test_no_contact_has_a_longer_value_than_is_counted(alice: Account) -> None:
    pet = create_field(alice, "pet", FieldType.TEXT)
    draft(alice, email="a@example.com", pet='"' * TEXT_LENGTH)
    assert len("&quot;") * TEXT_LENGTH <= LONGEST_VALUE
    with pytest.raises(InvalidContact):
        draft(alice, email="a@example.com", **{pet.name: "x" * (TEXT_LENGTH + 1)})


ONE_LINE = ("title", "subject", "preheader", "from_name", "reply_to", "ip_pool", "custom_unsubscribe_url")


@further
def test_a_field_of_one_line_is_refused_with_another(alice: Account, subtests: pytest.Subtests) -> None:
    campaign = ready_campaign(alice)
    for field, character in product(ONE_LINE, ("\v", "\n", "\x7f", "\x85", "\u2028")):
        with subtests.test(field, character=character):
            with pytest.raises(UnfitCharacter) as refused:
                edit_campaign(alice, campaign.pk, {field: f"a{character}b"})
            assert refused.value.field == field
    with pytest.raises(UnfitCharacter) as refused:
        edit_campaign(alice, campaign.pk, {"categories": ["news", "a\x1cb"]})
    assert refused.value.field == "categories.1"


def test_a_tag_with_a_control_character_is_no_tag(alice: Account) -> None:
    """If it were a tag, its default would also replace the same text in a stored subject."""
    campaign = ready_campaign(alice, plain_content="[%first_name | a\vb%] [%first_name | friend %]")
    Campaign.objects.filter(pk=campaign.pk).update(subject="[%first_name | a\vb%]")
    assert [(tag.field, tag.default) for tag in content_of(again(campaign)).tags] == [("first_name", "friend")] * 2
