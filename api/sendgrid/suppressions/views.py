"""Answer the calls for the suppression lists, which are the same for each list."""

from __future__ import annotations

from typing import ClassVar

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import Needed
from api.sendgrid.endpoint import Endpoint, not_found
from api.sendgrid.suppressions import inputs, outputs, schema
from api.sendgrid.suppressions.inputs import EMAIL
from mailer.models import SuppressionKind
from mailer.suppressions import lists


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
    """Return the scopes for a list: its own, or those for all lists."""
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


BOUNCE_CLASSIFICATIONS = r"classifications(/.*)?"
"""The paths of SendGrid calls that do not exist here. Without this pattern they would match as addresses."""

urlpatterns: list[URLPattern] = [
    re_path(r"^suppression/unsubscribes/?$", Unsubscribes.as_view()),
    re_path(r"^suppression/bounces/?$", Bounces.as_view()),
    re_path(rf"^suppression/bounces/{BOUNCE_CLASSIFICATIONS}$", not_found),
    re_path(rf"^suppression/bounces/{EMAIL}/?$", OneBounce.as_view()),
    re_path(r"^suppression/blocks/?$", Blocks.as_view()),
    re_path(rf"^suppression/blocks/{EMAIL}/?$", OneBlock.as_view()),
    re_path(r"^suppression/invalid_emails/?$", InvalidEmails.as_view()),
    re_path(rf"^suppression/invalid_emails/{EMAIL}/?$", OneInvalidEmail.as_view()),
    re_path(r"^suppression/spam_reports/?$", SpamReports.as_view()),
    re_path(rf"^suppression/spam_reports/{EMAIL}/?$", OneSpamReport.as_view()),
]
