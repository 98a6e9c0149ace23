"""Answer the calls for the suppression lists, which are the same for each list, and report refusals by day."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import Needed
from api.sendgrid.endpoint import Endpoint, not_found
from api.sendgrid.suppressions import inputs, outputs, schema
from api.sendgrid.suppressions.inputs import CLASSIFICATION, EMAIL
from mailer.models import SuppressionKind
from mailer.outcomes.refusals import Refusals, count_by_classification, count_by_domain
from mailer.suppressions import lists

CSV, JSON = "text/csv", "application/json"


class List(Endpoint):
    """Return the entries of a list, and remove several or all of them."""

    kind: ClassVar[SuppressionKind]

    def get(self, request: Request) -> Response:
        window = inputs.read_window(request)
        suppressions, total = lists.list_suppressions(self.account, self.kind, window)
        links = outputs.page_links(request._request, limit=window.limit, offset=window.offset, total=total)
        return Response([outputs.suppression(each) for each in suppressions], headers=links)

    def delete(self, request: Request) -> Response:
        emails = inputs.read_deletion(request)
        if emails is None:
            lists.clear(self.account, self.kind)
        else:
            lists.unsuppress(self.account, self.kind, emails)
        return Response(status=204)


class Entry(Endpoint):
    """Return or remove one address of a list."""

    kind: ClassVar[SuppressionKind]

    def get(self, request: Request, email: str) -> Response:
        """Answer with a list of one entry, or with an empty list."""
        suppressions = lists.find_suppressed(self.account, self.kind, inputs.read_known([email]))
        return Response([outputs.suppression(each) for each in suppressions])

    def delete(self, request: Request, email: str) -> Response:
        lists.unsuppress(self.account, self.kind, inputs.read_known([email]))
        return Response(status=204)


def scopes_for(name: str) -> Needed:
    """Return the scopes for a list: those for this list, and those for all lists."""
    return {
        "GET": (f"suppression.{name}.read", "suppression.read"),
        "DELETE": (f"suppression.{name}.delete", "suppression.delete"),
    }


@schema.unsubscribes
class Unsubscribes(List):
    """List the addresses that have unsubscribed from all mail. Calls below `asm/suppressions/global` remove them."""

    kind = SuppressionKind.GLOBAL
    scopes = {"GET": ("suppression.unsubscribes.read", "suppression.read")}


@schema.bounces
class Bounces(List):
    kind, scopes = SuppressionKind.BOUNCE, scopes_for("bounces")


@schema.one_bounce
class OneBounce(Entry):
    kind, scopes = SuppressionKind.BOUNCE, scopes_for("bounces")


@schema.blocks
class Blocks(List):
    kind, scopes = SuppressionKind.BLOCK, scopes_for("blocks")


@schema.one_block
class OneBlock(Entry):
    kind, scopes = SuppressionKind.BLOCK, scopes_for("blocks")


@schema.invalid_emails
class InvalidEmails(List):
    kind = SuppressionKind.INVALID
    scopes = scopes_for("invalid_emails")


@schema.one_invalid_email
class OneInvalidEmail(Entry):
    kind = SuppressionKind.INVALID
    scopes = scopes_for("invalid_emails")


@schema.spam_reports
class SpamReports(List):
    kind, scopes = SuppressionKind.SPAM, scopes_for("spam_reports")


@schema.one_spam_report
class OneSpamReport(Entry):
    kind, scopes = SuppressionKind.SPAM, scopes_for("spam_reports")


class RefusalsEndpoint(Endpoint):
    """Report refusals by day, as JSON or, if the caller prefers it, as CSV."""

    scopes = {"GET": ("suppression.bounces.read", "suppression.read", "di.bounce_block_classifications.read")}

    def answer_with(self, refusals: Refusals, column: str) -> HttpResponse | Response:
        if self.request.get_preferred_type([JSON, CSV]) == CSV:
            return HttpResponse(outputs.refusals_csv(refusals, column), content_type=f"{CSV}; charset=utf-8")
        return Response(outputs.refusals(refusals, column))


@schema.classifications
class Classifications(RefusalsEndpoint):
    def get(self, request: Request) -> HttpResponse | Response:
        days = inputs.read_days(request)
        refusals = count_by_classification(self.account.pk, days)
        return self.answer_with(refusals, "classification")


@schema.one_classification
class OneClassification(RefusalsEndpoint):
    def get(self, request: Request, classification: str) -> HttpResponse | Response:
        """Answer with the domains of the recipients who were refused for this reason."""
        reason, days = inputs.read_classification(classification), inputs.read_days(request)
        return self.answer_with(count_by_domain(self.account.pk, reason, days), "domain")


BELOW_CLASSIFICATIONS = r"classifications/.*"
"""Paths that SendGrid does not have. Without this pattern they would match as addresses."""

urlpatterns: list[URLPattern] = [
    re_path(r"^suppression/unsubscribes/?$", Unsubscribes.as_view()),
    re_path(r"^suppression/bounces/?$", Bounces.as_view()),
    re_path(r"^suppression/bounces/classifications/?$", Classifications.as_view()),
    re_path(rf"^suppression/bounces/classifications/{CLASSIFICATION}/?$", OneClassification.as_view()),
    re_path(rf"^suppression/bounces/{BELOW_CLASSIFICATIONS}$", not_found),
    re_path(rf"^suppression/bounces/{EMAIL}/?$", OneBounce.as_view()),
    re_path(r"^suppression/blocks/?$", Blocks.as_view()),
    re_path(rf"^suppression/blocks/{EMAIL}/?$", OneBlock.as_view()),
    re_path(r"^suppression/invalid_emails/?$", InvalidEmails.as_view()),
    re_path(rf"^suppression/invalid_emails/{EMAIL}/?$", OneInvalidEmail.as_view()),
    re_path(r"^suppression/spam_reports/?$", SpamReports.as_view()),
    re_path(rf"^suppression/spam_reports/{EMAIL}/?$", OneSpamReport.as_view()),
]
