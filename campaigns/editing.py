"""Create, change, find, list and duplicate campaigns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Func, Max, Q, QuerySet

from accounts.models import Account
from audience.models import ContactList, Segment
from campaigns.checking import check_texts, needs_check
from campaigns.content import check_size
from campaigns.errors import (
    CampaignLimit,
    FixedField,
    ForeignContent,
    TwoUnsubscribeLinks,
    UnknownCampaign,
    UnknownPart,
    UnverifiedSender,
)
from campaigns.lifecycle import locked_campaign, refuse_unready, require, reschedule
from campaigns.markdown import render_markdown
from campaigns.models import Campaign, Sender
from campaigns.readiness import WITH_LINK, Needs
from campaigns.states import CampaignStatus
from foundation.addresses import check_address
from foundation.clock import database_now
from foundation.locks import lock_account
from foundation.postgresql import AdvisoryLock
from foundation.texts import check_line
from mailer.models import UnsubscribeGroup

LONG: Final = ("html_content", "plain_content", "markdown")
"""Columns that may hold megabytes each, which lists do not read."""
TITLE_LENGTH = 255

PLAIN_FIELDS = frozenset(
    {
        "title",
        "subject",
        "preheader",
        "from_name",
        "reply_to",
        "markdown",
        "html_content",
        "plain_content",
        "generates_plain",
        "editor",
        "design",
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
"""The columns that a caller may set. HTML and plain text are made from `markdown`; writing one of them clears it."""
LINES = ("title", "subject", "preheader", "from_name", "reply_to", "ip_pool", "custom_unsubscribe_url")
"""Fields of one line. Most of them become headers."""
CONTENTS = frozenset({"subject", "preheader", "markdown", "html_content", "plain_content"})
COPIED = CONTENTS - {"preheader"}
"""The contents that a design has, too. A campaign whose content was changed is no longer a copy of its design."""
SEVERAL = frozenset({"lists", "segments"})

Changes = Mapping[str, Any]
"""Values of `PLAIN_FIELDS`, and ids (or UUIDs) of `sender`, `suppression_group`, `lists` and `segments`."""
NO_CHANGES: Final[Changes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EditingRules:
    """Rules that an API adds to those of the core.

    `needs_verified_sender`: a sender that the caller names must be verified. `fixed`: fields that cannot be changed
    after the campaign was created. `needs`: what a scheduled campaign must have after a change; what is missing
    otherwise is noticed when its time comes. `overwrites`: Markdown may replace content that was not written as
    Markdown.
    """

    needs_verified_sender: bool = False
    fixed: frozenset[str] = frozenset()
    needs: Needs = WITH_LINK
    overwrites: bool = True


NO_RULES = EditingRules()


def own_campaigns(account: Account) -> QuerySet[Campaign]:
    """Return the account's campaigns that are not deleted, the newest first."""
    own = Campaign.objects.by_clock().filter(account=account, deleted_at=None)
    return own.select_related("sender").prefetch_related("lists", "segments").order_by("-pk")


def find_campaign(account: Account, campaign_id: int | UUID) -> Campaign:
    """Return a campaign by its number or its UUID. Raises UnknownCampaign."""
    key = {"uuid": campaign_id} if isinstance(campaign_id, UUID) else {"pk": campaign_id}
    campaign = own_campaigns(account).filter(**key).first()
    if campaign is None:
        raise UnknownCampaign
    return campaign


def numbers_of(account: Account, uuids: Collection[UUID]) -> list[int]:
    """Return the ids of these campaigns, each once and in ascending order. Raises UnknownCampaign if one is missing."""
    own = Campaign.objects.filter(account=account, deleted_at=None, uuid__in=uuids)
    ids = list(own.order_by("pk").values_list("pk", flat=True))
    if len(ids) < len(set(uuids)):
        raise UnknownCampaign
    return ids


def list_campaigns(
    account: Account,
    *,
    title: str = "",
    statuses: Collection[CampaignStatus] | None = None,
    categories: Collection[str] | None = None,
    order: str = "-pk",
) -> QuerySet[Campaign]:
    """Return the account's campaigns that are not deleted, without their contents, the newest first by default.

    Optional filters: a part of the `title`, a set of `statuses`, and `categories` of which a campaign has at least one.
    """
    campaigns = Campaign.objects.by_clock().filter(account=account, deleted_at=None)
    if title:
        campaigns = campaigns.filter(title__icontains=title)
    if statuses is not None:
        campaigns = campaigns.filter(Q(status_now__in=statuses))
    if categories is not None:
        campaigns = campaigns.filter(categories__overlap=list(categories))
    return campaigns.defer(*LONG).order_by(order, "uuid")


def categories_of(account: Account, *, limit: int) -> list[str]:
    """Return the most recently used categories of the account's campaigns, in alphabetical order."""
    own = Campaign.objects.filter(account=account, deleted_at=None).order_by()
    named = own.annotate(category=Func(F("categories"), function="unnest")).values("category")
    newest = named.annotate(newest=Max("pk")).order_by("-newest", "category")
    return sorted(newest.values_list("category", flat=True)[:limit])


def create_campaign(account: Account, changes: Changes, *, rules: EditingRules = NO_RULES) -> Campaign:
    """Create a draft.

    Raises UnknownPart, UnfitCharacter, MessageTooLarge, InvalidContent, TwoUnsubscribeLinks, CampaignLimit, and what
    the rules require.
    """
    with transaction.atomic():
        refuse_beyond_limit(account)
        campaign = Campaign(account=account)
        change(campaign, changes, rules=rules)
    return find_campaign(account, campaign.pk)


def refuse_beyond_limit(account: Account) -> None:
    """Raise CampaignLimit if the account has as many campaigns as it may have. Concurrent calls wait for each other."""
    if not settings.CAMPAIGNS_LIMIT:
        return
    lock_account(AdvisoryLock.CAMPAIGNS_LIMIT, account.pk)
    if Campaign.objects.filter(account=account, deleted_at=None).count() >= settings.CAMPAIGNS_LIMIT:
        raise CampaignLimit


def edit_campaign(
    account: Account,
    campaign_id: int,
    changes: Changes,
    *,
    allowed_from: Collection[CampaignStatus] = frozenset({CampaignStatus.DRAFT}),
    rules: EditingRules = NO_RULES,
) -> Campaign:
    """Change the fields that are given.

    Raises UnknownCampaign, TransitionInProgress, CampaignConflict, ForeignContent, NotReady if a scheduled campaign
    would not have what the rules need, and what `create_campaign` raises except CampaignLimit.
    """
    with locked_campaign(account, campaign_id) as campaign:
        require(campaign, allowed_from)
        for name in rules.fixed & changes.keys():
            if changes[name] != getattr(campaign, name):
                raise FixedField(field=name)
        if "markdown" in changes and not rules.overwrites and has_foreign_content(campaign):
            raise ForeignContent(field="markdown")
        change(campaign, changes, rules=rules)
        if campaign.status == CampaignStatus.SCHEDULED:
            refuse_unready(campaign, rules.needs)
            reschedule(campaign)
    return find_campaign(account, campaign_id)


def has_foreign_content(campaign: Campaign) -> bool:
    """Return whether the content was not written as Markdown, which may not be able to express it."""
    return not campaign.markdown and bool(campaign.html_content.strip() or campaign.plain_content.strip())


def change(campaign: Campaign, changes: Changes, *, rules: EditingRules = NO_RULES) -> None:
    """Store the changes in the caller's transaction. If `apply` raises an error, nothing is stored."""
    parts = apply(campaign, changes, rules=rules)
    now = database_now()
    if campaign.pk is None:
        campaign.created_at = now
    campaign.updated_at = campaign.edited_at = now
    campaign.save()
    for name in SEVERAL & parts.keys():
        getattr(campaign, name).set(parts[name])


def apply(campaign: Campaign, changes: Changes, *, rules: EditingRules = NO_RULES) -> dict[str, Any]:
    """Make the changes to the campaign in memory, and return the rows that they refer to.

    Raises UnfitCharacter, UnknownPart, UnverifiedSender, TwoUnsubscribeLinks, MessageTooLarge and InvalidContent.
    """
    check_characters(changes)
    parts = find_parts(campaign.account, changes)
    written = campaign.html_content, campaign.plain_content
    for name in PLAIN_FIELDS & changes.keys():
        setattr(campaign, name, changes[name])
    if "html_content" not in changes and "plain_content" not in changes and "markdown" in changes:
        campaign.html_content, campaign.plain_content = render_markdown(campaign.markdown)
    elif "markdown" not in changes and written != (campaign.html_content, campaign.plain_content):
        if campaign.markdown and "plain_content" not in changes and campaign.html_content.strip():
            # This text was made from the Markdown, and the new HTML says something else.
            campaign.plain_content = ""
        campaign.markdown = ""
    if COPIED & changes.keys() and "design" not in changes:
        campaign.design = None
    for name in parts.keys() - SEVERAL:
        setattr(campaign, name, parts[name])
    sender = parts.get("sender")
    if rules.needs_verified_sender and sender is not None and sender.verified_at is None:
        raise UnverifiedSender(field="sender")
    if campaign.suppression_group_id and campaign.custom_unsubscribe_url:
        raise TwoUnsubscribeLinks(field="custom_unsubscribe_url")
    if CONTENTS & changes.keys():
        check_size(campaign)
    if needs_check(changes.keys()):
        check_texts(campaign)
    return parts


def check_characters(changes: Changes) -> None:
    """Accept lines without control characters. Raises UnfitCharacter."""
    for name in LINES:
        if changes.get(name):
            check_line(changes[name], field=name)
    if reply_to := changes.get("reply_to"):
        check_address(reply_to, field="reply_to")
    for number, category in enumerate(changes.get("categories", ())):
        check_line(category, field=f"categories.{number}")


def find_parts(account: Account, changes: Changes) -> dict[str, Any]:
    """Return the account's rows that the changes refer to. Raises UnknownPart, which lists all that do not exist."""
    sources: dict[str, QuerySet[Any]] = {
        "sender": Sender.objects.all(),
        "lists": ContactList.objects.filter(deleted_at=None),
        "segments": Segment.objects.all(),
        "suppression_group": UnsubscribeGroup.objects.filter(deleted_at=None),
    }
    parts_by_name: dict[str, Any] = {}
    unknown = []
    for name, rows in sources.items():
        if name not in changes:
            continue
        keys = set(changes[name]) if name in SEVERAL else {changes[name]} - {None}
        by = "uuid__in" if any(isinstance(key, UUID) for key in keys) else "pk__in"
        parts = list(rows.filter(account=account, **{by: keys})) if keys else []
        if len(parts) < len(keys):
            unknown.append(name)
        parts_by_name[name] = parts if name in SEVERAL else next(iter(parts), None)
    if unknown:
        raise UnknownPart(*unknown)
    return parts_by_name


def duplicate_campaign(
    account: Account, campaign_id: int, title: str | None = None, *, longest: int = TITLE_LENGTH
) -> Campaign:
    """Create a draft with the same content and audience, and a title of at most `longest` characters.

    Raises UnknownCampaign and CampaignLimit.
    """
    original = find_campaign(account, campaign_id)
    changes = {name: getattr(original, name) for name in PLAIN_FIELDS - {"send_at"}} | {
        "title": (title or f"Copy of {original.title}")[:longest],
        "lists": [each.pk for each in original.chosen_lists],
        "segments": [each.pk for each in original.chosen_segments],
    }
    with transaction.atomic():
        refuse_beyond_limit(account)
        copy = Campaign(account=account, sender=original.sender, suppression_group=original.suppression_group)
        change(copy, changes)
    return find_campaign(account, copy.pk)
