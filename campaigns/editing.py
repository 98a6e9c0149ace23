"""Editing: create, change, find, list and duplicate campaigns; and test mail of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Account
from campaigns.audience.models import ContactList, Segment, Sender
from campaigns.content import content_of
from campaigns.errors import CampaignLimit, NotReady, TooManyTests, UnknownCampaign, UnknownPart
from campaigns.lifecycle import locked_campaign, require
from campaigns.models import Campaign
from campaigns.readiness import Lack, lacks_of
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.draft import Address, ContentPart, MailDraft, Personalization
from mailer.models import UnsubscribeGroup
from mailer.pipeline.accept import Accepted, accept_mail

LIMIT_LOCK = 0x51C0_0004
TEST_ADDRESSES = 10
TITLE_LENGTH = 100

PLAIN_FIELDS = frozenset(
    {
        "title",
        "subject",
        "html_content",
        "plain_content",
        "generates_plain",
        "editor",
        "categories",
        "ip_pool",
        "is_to_all",
        "custom_unsubscribe_url",
        "send_at",
        "undo_seconds",
        "rate_per_minute",
        "spread_seconds",
        "window",
        "is_local_time",
        "time_zone",
    }
)
"""What a caller may say of a campaign as it is stored."""

Changes = Mapping[str, Any]
"""`PLAIN_FIELDS`, and by their ids `sender`, `suppression_group` (or None), `lists` and `segments`."""


def own_campaigns(account: Account) -> QuerySet[Campaign]:
    """The account's campaigns that are not deleted, the newest first."""
    own = Campaign.objects.filter(account=account, deleted_at=None)
    return own.select_related("sender", "launch").prefetch_related("lists", "segments").order_by("-pk")


def find_campaign(account: Account, campaign_id: int | UUID) -> Campaign:
    """By its number or its UUID. Raises UnknownCampaign."""
    key = {"uuid": campaign_id} if isinstance(campaign_id, UUID) else {"pk": campaign_id}
    campaign = own_campaigns(account).filter(**key).first()
    if campaign is None:
        raise UnknownCampaign
    return campaign


def create_campaign(account: Account, changes: Changes) -> Campaign:
    """A new draft. Raises UnknownPart, CampaignLimit."""
    with transaction.atomic():
        refuse_beyond_limit(account)
        campaign = Campaign(account=account)
        change(campaign, changes)
    return find_campaign(account, campaign.pk)


def refuse_beyond_limit(account: Account) -> None:
    """Raises CampaignLimit. Two at one time wait for each other."""
    if not settings.CAMPAIGNS_LIMIT:
        return
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [LIMIT_LOCK, account.pk % 2**31])
    if Campaign.objects.filter(account=account, deleted_at=None).count() >= settings.CAMPAIGNS_LIMIT:
        raise CampaignLimit


def edit_campaign(
    account: Account,
    campaign_id: int,
    changes: Changes,
    *,
    allowed_from: Collection[CampaignStatus] = frozenset({CampaignStatus.DRAFT}),
) -> Campaign:
    """Change what is named. Raises UnknownCampaign, TransitionInProgress, CampaignConflict, UnknownPart; of a scheduled
    one NotReady, if it would lack something then."""
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, allowed_from)
        change(campaign, changes)
        if campaign.status == CampaignStatus.SCHEDULED and (lacks := lacks_of(campaign, needs_tag=False)):
            raise NotReady(lacks)
    return find_campaign(account, campaign_id)


def change(campaign: Campaign, changes: Changes) -> None:
    """Write the changes down, in the caller's transaction. Raises UnknownPart, and nothing is written."""
    account = campaign.account
    for name in PLAIN_FIELDS & changes.keys():
        setattr(campaign, name, changes[name])
    if "sender" in changes:
        campaign.sender = _one_of(Sender, account, changes["sender"], field="sender")
    if "suppression_group" in changes:
        own = UnsubscribeGroup.objects.filter(deleted_at=None)
        campaign.suppression_group = _one_of(own, account, changes["suppression_group"], field="suppression_group")
    lists = _all_of(ContactList.objects.filter(deleted_at=None), account, changes.get("lists"), field="lists")
    segments = _all_of(Segment.objects.all(), account, changes.get("segments"), field="segments")
    campaign.updated_at = database_now()
    campaign.save()
    if lists is not None:
        campaign.lists.set(lists)
    if segments is not None:
        campaign.segments.set(segments)


def _one_of(rows: Any, account: Account, key: int | None, *, field: str) -> Any:
    if key is None:
        return None
    found = (rows.objects if isinstance(rows, type) else rows).filter(account=account, pk=key).first()
    if found is None:
        raise UnknownPart(field=field)
    return found


def _all_of(rows: Any, account: Account, keys: Iterable[int] | None, *, field: str) -> list[Any] | None:
    if keys is None:
        return None
    wanted = set(keys)
    found = list(rows.filter(account=account, pk__in=wanted))
    if len(found) != len(wanted):
        raise UnknownPart(field=field)
    return found


def duplicate_campaign(account: Account, campaign_id: int, title: str | None = None) -> Campaign:
    """A draft with the same content and audience. Raises UnknownCampaign, CampaignLimit."""
    original = find_campaign(account, campaign_id)
    changes = {name: getattr(original, name) for name in PLAIN_FIELDS - {"send_at"}} | {
        "title": (title or f"Copy of {original.title}")[:TITLE_LENGTH],
        "lists": [each.pk for each in original.lists.all() if each.deleted_at is None],
        "segments": [each.pk for each in original.segments.all()],
    }
    with transaction.atomic():
        refuse_beyond_limit(account)
        copy = Campaign(account=account, sender=original.sender, suppression_group=original.suppression_group)
        change(copy, changes)
    return find_campaign(account, copy.pk)


def send_test(account: Account, campaign_id: int, addresses: Sequence[str]) -> Accepted:
    """Mail the campaign as it is to some addresses, in any status; it changes nothing. Its tags get their defaults.

    Raises UnknownCampaign, TooManyTests, NotReady if it lacks subject, content or sender.
    """
    campaign = find_campaign(account, campaign_id)
    if not 1 <= len(addresses) <= TEST_ADDRESSES:
        raise TooManyTests(field="to")
    needed = {Lack.SUBJECT, Lack.CONTENT, Lack.SENDER}
    if lacks := [lack for lack in lacks_of(campaign, needs_tag=False) if lack in needed]:
        raise NotReady(lacks)
    return accept_mail(account, draft_of_test(campaign, addresses))


def draft_of_test(campaign: Campaign, addresses: Sequence[str]) -> MailDraft:
    """One message to each address."""
    content, sender = content_of(campaign), campaign.sender
    assert sender is not None  # it is not lacking
    values = {tag.text: tag.default for tag in content.tags}
    return MailDraft(
        sender=Address(sender.from_email, sender.from_name),
        reply_to=(Address(sender.reply_to, sender.reply_to_name),),
        subject=content.subject,
        content=tuple(ContentPart(type, value) for type, value in content.parts),
        personalizations=tuple(Personalization(to=(Address(address),), substitutions=values) for address in addresses),
    )
