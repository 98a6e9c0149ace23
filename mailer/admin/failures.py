"""Show failures: why peers refuse and defer mail, by class and by reply, and the messages of one reason.

The address of the page has the filters: an account, a batch, a day. The page of a campaign's failures is the same one,
with the campaign's batch. Nothing here changes anything.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.models import Account
from batches.admin.asking import require
from batches.models import Batch
from foundation.admin import draw_figure, draw_label, draw_link, write_time
from foundation.clock import database_now
from mailer.admin.drawing import EVENT_COLOURS, draw_text
from mailer.admin.filtering import DayField, OwnerForm
from mailer.admin.message_list import link_messages
from mailer.listing.filters import Filters
from mailer.models import Classification, Message
from mailer.outcomes.explanations import EXPLANATIONS
from mailer.outcomes.failures import (
    LOOKED_AT,
    PARCELS_LOOKED_AT,
    ClassTally,
    Failure,
    Look,
    ReasonGroup,
    Scope,
    Tally,
    count_failures,
    group_by_reason,
    look_for_failures,
    tally_accounts,
    tally_classes,
)
from mailer.outcomes.providers import REST, group_of

MAY_SEE = "mailer.view_message"
DAY = dt.timedelta(days=1)
REASONS_SHOWN = 50
ACCOUNTS_SHOWN = 20
MESSAGES_SHOWN = 100
CODES_SHOWN = 3
SAMPLED = 10
"""The newest messages of a reason whose provider groups are looked up."""


class FilterForm(OwnerForm):
    """Choose the filters of the page. An account is named by its username, and a batch by its public id."""

    day = DayField()


class DayForm(forms.Form):
    """Choose a day, the only filter of the page of one campaign."""

    day = DayField()


@dataclass(frozen=True, slots=True)
class Choice:
    """The failures that an address names: of an account or a batch (None: all), on a day or lately.

    `path` is the address of the page without its query.
    """

    path: str
    name: str
    account: Account | None = None
    batch: Batch | None = None
    is_campaign: bool = False
    day: dt.date | None = None

    def link(self, **changes: Any) -> str:
        """Return the address of the page with these changes of its filters."""
        filters = {
            "account": "" if self.is_campaign or self.account is None else self.account.username,
            "batch": "" if self.is_campaign or self.batch is None else self.batch.public_id,
            "day": "" if self.day is None else self.day.isoformat(),
            **changes,
        }
        return self.path + encode_query(filters)

    def scope(self, now: dt.datetime) -> Scope:
        """Return the scope to look at: a day, or else the whole batch, or else the last 24 hours by the hour."""
        account_id = self.account.pk if self.account else None
        batch_id = self.batch.pk if self.batch else None
        if self.day is not None:
            midnight = dt.datetime.combine(self.day, dt.time(), dt.UTC)
            return Scope(account_id, batch_id, midnight, midnight + DAY)
        if batch_id is not None:
            return Scope(account_id, batch_id)
        next_hour = now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
        return Scope(account_id, batch_id, next_hour - DAY, next_hour)


def link_failures(*, account: Account | None = None, batch: Batch | None = None) -> str:
    """Return the address of the failures of an account or a batch."""
    return Choice(reverse("failures"), "", account=account, batch=batch).link()


def encode_query(values: Mapping[str, str]) -> str:
    """Return the query of an address, without empty values."""
    query = {name: value for name, value in values.items() if value}
    return reverse("failures", query=query).removeprefix(reverse("failures"))


@require_safe
def show_failures(request: HttpRequest) -> HttpResponse:
    """Show the failures of an account, of a batch, or of all accounts."""
    require(request, MAY_SEE)
    form = FilterForm(request.GET)
    path = reverse("failures")
    if not form.is_valid():
        return TemplateResponse(request, "mailer/failures.html", _context(request, form, "Failures"), status=400)
    account, batch, day = (form.cleaned_data[name] for name in ("account", "batch", "day"))
    if batch is not None:
        choice = Choice(path, f"batch {batch.public_id}", account=batch.account, batch=batch, day=day)
    else:
        choice = Choice(path, account.username if account else "all accounts", account=account, day=day)
    return respond(request, form, choice)


def show_failures_of_campaign(request: HttpRequest, title: str, batch: Batch) -> HttpResponse:
    """Show the failures of a campaign, which are those of its batch."""
    require(request, MAY_SEE)
    form = DayForm(request.GET)
    if not form.is_valid():
        return TemplateResponse(request, "mailer/failures.html", _context(request, form, "Failures"), status=400)
    day = form.cleaned_data["day"]
    choice = Choice(request.path, f"campaign {title}", account=batch.account, batch=batch, is_campaign=True, day=day)
    return respond(request, form, choice)


def _context(request: HttpRequest, form: forms.Form, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "form": form}


def respond(request: HttpRequest, form: forms.Form, choice: Choice) -> HttpResponse:
    """Return the page of these failures, or of the messages of one of their reasons."""
    context = _context(request, form, f"Failures of {choice.name}")
    now = database_now()
    scope = choice.scope(now)
    look = look_for_failures(scope)
    reasons = group_by_reason(look.failures)
    context |= {"choice": choice, "scope": scope, "how_far": tell_how_far(look, scope)}
    if name := request.GET.get("reason"):
        reason = next((group for group in reasons if group.name == name), None)
        context |= {"back": choice.link(), "reason": reason, "messages": reason and tabulate_messages(reason)}
        context["counts"] = reason and draw_reason(reason, scope)
        context["others"] = reason and link_others(choice, reason)
        return TemplateResponse(request, "mailer/failed_messages.html", context)
    return TemplateResponse(
        request, "mailer/failures.html", context | show_reasons(choice, scope, look, reasons, now.date())
    )


def show_reasons(
    choice: Choice, scope: Scope, look: Look, reasons: list[ReasonGroup], today: dt.date
) -> dict[str, Any]:
    """Return the tables of the page."""
    is_exact = choice.account is not None and choice.batch is None
    if is_exact:
        classes = count_failures(scope)
    else:
        classes = tally_classes(reasons)
    of_all = choice.account is None
    others = reasons[REASONS_SHOWN:]
    return {
        "days": link_days(choice, today),
        "is_exact": is_exact,
        "classes": tabulate_classes(classes, scope, is_exact=is_exact),
        "accounts": tabulate_accounts(tally_accounts(look.failures), choice, scope) if of_all else None,
        "reasons": tabulate_reasons(reasons[:REASONS_SHOWN], choice, scope),
        "key": key_of(scope),
        "others": len(others),
        "in_others": sum(group.total for group in others),
    }


def tell_how_far(look: Look, scope: Scope) -> str:
    """Return a sentence that says which failures the groups contain."""
    if look.is_complete:
        return "The replies below are those of all failures."
    if scope.batch_id is not None:
        return (
            f"The replies below are those of the newest messages: this page looks at {LOOKED_AT:,} events of "
            f"{PARCELS_LOOKED_AT:,} parcels at most. Older failures are not counted below."
        )
    of_whom = "all accounts" if scope.account_id is None else "the account"
    return (
        f"The replies below are those of the newest {LOOKED_AT:,} failures of {of_whom}, which began at "
        f"{write_time(look.oldest)} UTC. Older failures are not counted below."
    )


def link_days(choice: Choice, today: dt.date) -> list[tuple[str, str]]:
    """Return links to the neighbouring days and back, or to the last two days."""
    if choice.day is None:
        return [("Today", choice.link(day=today.isoformat())), ("Yesterday", choice.link(day=f"{today - DAY}"))]
    links = [(day.isoformat(), choice.link(day=day.isoformat())) for day in (choice.day - DAY, choice.day + DAY)]
    return [*links, ("All days" if choice.batch else "The last 24 hours", choice.link(day=""))]


def key_of(scope: Scope, classification: Classification | None = None, *details: str) -> str:
    """Return the key of figures of failures, of a classification or of all."""
    of_batch = f"batch.{scope.batch_id}" if scope.batch_id is not None else ""
    about = of_batch or ("all" if scope.account_id is None else f"account.{scope.account_id}")
    times = (f"{at.timestamp():.6f}" if at else "" for at in (scope.since, scope.until))
    return ":".join(["failures", about, *times, "" if classification is None else str(int(classification)), *details])


def draw_tally(tally: Tally, key: str) -> list[SafeString]:
    """Return how many recipients were refused and deferred, as two cells of a table."""
    return [draw_figure(f"{key}:refused", tally.refused), draw_figure(f"{key}:deferred", tally.deferred)]


def draw_reason(reason: ReasonGroup, scope: Scope) -> list[SafeString]:
    """Return how many recipients were refused and deferred for a reason, as two cells of a table."""
    return draw_tally(reason, key_of(scope, reason.classification, "reason", reason.reason))


def tabulate_classes(classes: Mapping[Classification, ClassTally], scope: Scope, *, is_exact: bool) -> dict[str, Any]:
    """Return failures by classification for unfold's table, the most frequent first."""
    items = sorted(classes.items(), key=lambda item: -item[1].total)
    providers = ["Providers"] if is_exact else []
    return {
        "headers": ["Class", "Classification", "Refused", "Deferred", "Status codes", *providers, "What to do"],
        "rows": [
            [
                classification.reply_class.label,
                classification.label,
                *draw_tally(tally, key_of(scope, classification)),
                list_most(tally.codes, key_of(scope, classification, "code")),
                *(
                    [list_most(_name_providers(tally.groups), key_of(scope, classification, "group"))]
                    if is_exact
                    else []
                ),
                draw_text(f"{EXPLANATIONS[classification].meaning} {EXPLANATIONS[classification].advice}"),
            ]
            for classification, tally in items
        ],
    }


def _name_providers(groups: Counter[str]) -> Counter[str]:
    return Counter({name_provider(group): number for group, number in groups.items()})


def list_most(counts: Counter[str], key: str) -> SafeString:
    """Return the most frequent names, each with its number."""
    largest = [(name or "none", number) for name, number in counts.most_common(CODES_SHOWN)]
    other_count = counts.total() - sum(number for _, number in largest)
    entries = [*largest, *([("others", other_count)] if other_count else [])]
    return format_html_join(
        ", ", "<code>{}</code> ({})", ((name, draw_figure(f"{key}:{name}", number)) for name, number in entries)
    )


def tabulate_accounts(tallies: Mapping[int, Tally], choice: Choice, scope: Scope) -> dict[str, Any]:
    """Return the accounts with the most failures for unfold's table; each links to its failures."""
    most = sorted(tallies.items(), key=lambda item: -item[1].total)[:ACCOUNTS_SHOWN]
    names = dict(Account.objects.filter(pk__in=[pk for pk, _ in most]).values_list("pk", "username"))
    return {
        "headers": ["Account", "Refused", "Deferred"],
        "rows": [
            [
                draw_link(choice.link(account=names[pk]), names[pk]),
                *draw_tally(tally, key_of(scope._replace(account_id=pk))),
            ]
            for pk, tally in most
            if pk in names
        ],
    }


def tabulate_reasons(reasons: list[ReasonGroup], choice: Choice, scope: Scope) -> dict[str, Any]:
    """Return failures by reply for unfold's table."""
    samples = [failure for reason in reasons for failure in reason.failures[:SAMPLED]]
    recipients = recipients_of(samples)
    return {
        "headers": [
            "Refused",
            "Deferred",
            "Classification",
            "Status",
            "Reply, for example",
            "Providers",
            "First and last (UTC)",
        ],
        "rows": [
            [
                *draw_reason(reason, scope),
                reason.classification.label,
                format_html("<code>{}</code>", reason.code or "none"),
                draw_text(reason.example.reply or "no reply", choice.link(reason=reason.name)),
                list_providers(reason.failures[:SAMPLED], recipients),
                draw_times(reason),
            ]
            for reason in reasons
        ],
    }


def draw_times(reason: ReasonGroup) -> SafeString:
    """Return the times of the first and the last failure, each on one line; a single line if they are the same."""
    times = dict.fromkeys(write_time(time) for time in (reason.first_at, reason.last_at))
    return format_html_join("", '<span class="block whitespace-nowrap">{}</span>', ((time,) for time in times))


def list_providers(failures: Iterable[Failure], recipients: Mapping[int, str]) -> str:
    """Return the provider groups of the recipients of these failures."""
    addresses = (failure.recipient or recipients.get(failure.message_id, "") for failure in failures)
    return ", ".join(sorted({name_provider(group_of(address)) for address in addresses}))


def name_provider(group: str) -> str:
    """Return a provider group in words."""
    return "other" if group == REST else group


def link_others(choice: Choice, reason: ReasonGroup) -> str:
    """Return the address of the list of all messages that were refused or deferred with the same classification."""
    reply = reason.classification.name.lower()
    return link_messages(Filters(account=choice.account, batch=choice.batch, reply=reply))


def recipients_of(failures: Iterable[Failure]) -> dict[int, str]:
    """Return the first recipient of each message, by message id."""
    message_ids = {failure.message_id for failure in failures}
    return dict(Message.objects.filter(pk__in=message_ids).values_list("pk", "recipient"))


def tabulate_messages(reason: ReasonGroup) -> dict[str, Any]:
    """Return the newest failures of a reason for unfold's table; each leads to its message."""
    failures = reason.failures[:MESSAGES_SHOWN]
    recipients = recipients_of(failures)
    return {
        "headers": ["Time (UTC)", "Event", "Recipient", "Reply of the peer"],
        "rows": [
            [
                write_time(failure.at),
                draw_label(failure.kind.label, EVENT_COLOURS[failure.kind]),
                draw_link(
                    reverse("admin:mailer_message_change", args=[failure.message_id]),
                    _name_recipients(failure, recipients.get(failure.message_id)),
                ),
                draw_text(failure.reply or "no reply"),
            ]
            for failure in failures
        ],
    }


def _name_recipients(failure: Failure, first: str | None) -> str:
    name = failure.recipient or first or f"message {failure.message_id}"
    return name if failure.recipients == 1 else f"{name} and {failure.recipients - 1:,} more"
