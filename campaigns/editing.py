"""Create, change, find, list and duplicate campaigns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Func, Max, Q, QuerySet

from accounts.models import Account
from audience.models import ContactList, Segment
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
from campaigns.lifecycle import locked_campaign, refuse_unready, require, schedule_anew
from campaigns.markdown import render_markdown
from campaigns.models import Campaign, Sender
from campaigns.readiness import WITH_LINK, Needs
from campaigns.states import CampaignStatus
from foundation.addresses import check_address
from foundation.clock import database_now
from foundation.postgresql import AdvisoryLock
from foundation.texts import check_line
from mailer.models import UnsubscribeGroup

LONG: Final = ("html_content", "plain_content", "markdown")
"""The contents, which may be megabytes each: a list does without them."""
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
"""What a caller may say of a campaign as it is stored. HTML and plain text follow `markdown`; whoever writes them
otherwise takes it away."""
LINES = ("title", "subject", "preheader", "from_name", "reply_to", "ip_pool", "custom_unsubscribe_url")
"""Fields of one line: most of them reach a header."""
CONTENTS = frozenset({"subject", "preheader", "markdown", "html_content", "plain_content"})
SEVERAL = frozenset({"lists", "segments"})

Changes = Mapping[str, Any]
"""`PLAIN_FIELDS`, and by their ids `sender`, `suppression_group` (or None), `lists` and `segments` (or their UUIDs)."""
NO_CHANGES: Final[Changes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EditingRules:
    """What a dialect asks for besides: that a sender it names is verified, what may not change once it is made, and
    what a scheduled campaign must not come to lack (nothing: that is looked at when its time has come). Markdown
    replaces what was written otherwise only where that `overwrites`."""

    needs_verified_sender: bool = False
    fixed: frozenset[str] = frozenset()
    needs: Needs = WITH_LINK
    overwrites: bool = True


NO_RULES = EditingRules()


def own_campaigns(account: Account) -> QuerySet[Campaign]:
    """The account's campaigns that are not deleted, the newest first."""
    own = Campaign.objects.by_clock().filter(account=account, deleted_at=None)
    return own.select_related("sender").prefetch_related("lists", "segments").order_by("-pk")


def find_campaign(account: Account, campaign_id: int | UUID) -> Campaign:
    """By its number or its UUID. Raises UnknownCampaign."""
    key = {"uuid": campaign_id} if isinstance(campaign_id, UUID) else {"pk": campaign_id}
    campaign = own_campaigns(account).filter(**key).first()
    if campaign is None:
        raise UnknownCampaign
    return campaign


def numbers_of(account: Account, uuids: Collection[UUID]) -> list[int]:
    """The ids of these campaigns, each once, in their order. Raises UnknownCampaign unless all of them are there."""
    own = Campaign.objects.filter(account=account, deleted_at=None, uuid__in=uuids)
    found = list(own.order_by("pk").values_list("pk", flat=True))
    if len(found) < len(set(uuids)):
        raise UnknownCampaign
    return found


def list_campaigns(
    account: Account,
    *,
    title: str = "",
    statuses: Collection[CampaignStatus] | None = None,
    categories: Collection[str] | None = None,
    order: str = "-pk",
) -> QuerySet[Campaign]:
    """The account's campaigns that are not deleted, the newest first or in another order: those with these letters in
    their title, in one of these statuses, with one of these categories."""
    found = Campaign.objects.by_clock().filter(account=account, deleted_at=None)
    if title:
        found = found.filter(title__icontains=title)
    if statuses is not None:
        found = found.filter(Q(status_now__in=statuses))
    if categories is not None:
        found = found.filter(categories__overlap=list(categories))
    return found.defer(*LONG).order_by(order, "uuid")


def categories_of(account: Account, *, limit: int) -> list[str]:
    """The categories of the account's campaigns, those that were used last, in the order of the alphabet."""
    own = Campaign.objects.filter(account=account, deleted_at=None).order_by()
    named = own.annotate(category=Func(F("categories"), function="unnest")).values("category")
    newest = named.annotate(newest=Max("pk")).order_by("-newest", "category")
    return sorted(newest.values_list("category", flat=True)[:limit])


def create_campaign(account: Account, changes: Changes, *, rules: EditingRules = NO_RULES) -> Campaign:
    """A new draft. Raises UnknownPart, UnfitCharacter, MessageTooLarge, TwoUnsubscribeLinks, CampaignLimit, and what
    the rules say."""
    with transaction.atomic():
        refuse_beyond_limit(account)
        campaign = Campaign(account=account)
        change(campaign, changes, rules=rules)
    return find_campaign(account, campaign.pk)


def refuse_beyond_limit(account: Account) -> None:
    """Raises CampaignLimit. Two at one time wait for each other."""
    if not settings.CAMPAIGNS_LIMIT:
        return
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [int(AdvisoryLock.CAMPAIGNS_LIMIT), account.pk % 2**31])
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
    """Change what is named. Raises UnknownCampaign, TransitionInProgress, CampaignConflict, and what `create_campaign`
    does but CampaignLimit; ForeignContent; of a scheduled one NotReady, if it would lack what the rules need."""
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
            schedule_anew(campaign)
    return find_campaign(account, campaign_id)


def has_foreign_content(campaign: Campaign) -> bool:
    """Whether its content was written otherwise than as Markdown, which could not say all of it."""
    return not campaign.markdown and bool(campaign.html_content.strip() or campaign.plain_content.strip())


def change(campaign: Campaign, changes: Changes, *, rules: EditingRules = NO_RULES) -> None:
    """Write the changes down, in the caller's transaction. Raises what `apply` does, and nothing is written."""
    parts = apply(campaign, changes, rules=rules)
    now = database_now()
    if campaign.pk is None:
        campaign.created_at = now
    campaign.updated_at = campaign.edited_at = now
    campaign.save()
    for name in SEVERAL & parts.keys():
        getattr(campaign, name).set(parts[name])


def apply(campaign: Campaign, changes: Changes, *, rules: EditingRules = NO_RULES) -> dict[str, Any]:
    """Make the changes to the campaign in memory, and return the rows that they name. Raises UnfitCharacter,
    UnknownPart, UnverifiedSender, TwoUnsubscribeLinks, and MessageTooLarge."""
    check_characters(changes)
    parts = find_parts(campaign.account, changes)
    written = campaign.html_content, campaign.plain_content
    for name in PLAIN_FIELDS & changes.keys():
        setattr(campaign, name, changes[name])
    if "html_content" not in changes and "plain_content" not in changes and "markdown" in changes:
        campaign.html_content, campaign.plain_content = render_markdown(campaign.markdown)
    elif "markdown" not in changes and written != (campaign.html_content, campaign.plain_content):
        campaign.markdown = ""
    for name in parts.keys() - SEVERAL:
        setattr(campaign, name, parts[name])
    sender = parts.get("sender")
    if rules.needs_verified_sender and sender is not None and sender.verified_at is None:
        raise UnverifiedSender(field="sender")
    if campaign.suppression_group_id and campaign.custom_unsubscribe_url:
        raise TwoUnsubscribeLinks(field="custom_unsubscribe_url")
    if CONTENTS & changes.keys():
        check_size(campaign)
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
    """The account's rows that the changes name by their ids. Raises UnknownPart, which names all that are not there."""
    sources: dict[str, QuerySet[Any]] = {
        "sender": Sender.objects.all(),
        "lists": ContactList.objects.filter(deleted_at=None),
        "segments": Segment.objects.all(),
        "suppression_group": UnsubscribeGroup.objects.filter(deleted_at=None),
    }
    found: dict[str, Any] = {}
    unknown = []
    for name, rows in sources.items():
        if name not in changes:
            continue
        keys = set(changes[name]) if name in SEVERAL else {changes[name]} - {None}
        by = "uuid__in" if any(isinstance(key, UUID) for key in keys) else "pk__in"
        parts = list(rows.filter(account=account, **{by: keys})) if keys else []
        if len(parts) < len(keys):
            unknown.append(name)
        found[name] = parts if name in SEVERAL else next(iter(parts), None)
    if unknown:
        raise UnknownPart(*unknown)
    return found


def duplicate_campaign(
    account: Account, campaign_id: int, title: str | None = None, *, longest: int = TITLE_LENGTH
) -> Campaign:
    """A draft with the same content and audience; its title has `longest` characters at most. Raises UnknownCampaign,
    CampaignLimit."""
    original = find_campaign(account, campaign_id)
    changes = {name: getattr(original, name) for name in PLAIN_FIELDS - {"send_at"}} | {
        "title": (title or f"Copy of {original.title}")[:longest],
        "lists": [each.pk for each in original.lists.all() if each.deleted_at is None],
        "segments": [each.pk for each in original.segments.all()],
    }
    with transaction.atomic():
        refuse_beyond_limit(account)
        copy = Campaign(account=account, sender=original.sender, suppression_group=original.suppression_group)
        change(copy, changes)
    return find_campaign(account, copy.pk)
