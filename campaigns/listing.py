"""An account's campaigns on lists: without their contents, which may be megabytes each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db.models import F, Func, Max, Q, QuerySet

from accounts.models import Account
from campaigns.models import Campaign
from campaigns.states import CampaignStatus

LONG: Final = ("html_content", "plain_content", "markdown")


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
