"""Answer the calls for Single Sends, which are the same campaigns as legacy ones, and for test mail."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import headers_of_receipts, needing, receipt_headers
from api.campaign_words import Dialect, Move, may
from api.idempotency import done_once
from api.sendgrid.campaigns import errors
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer, Answers
from api.sendgrid.outputs import page_of
from api.sendgrid.paging import read_page
from api.sendgrid.single_sends import inputs, outputs, schema
from api.sendgrid.values import TITLE_LENGTH
from campaigns.editing import (
    categories_of,
    create_campaign,
    duplicate_campaign,
    edit_campaign,
    find_campaign,
    list_campaigns,
    numbers_of,
)
from campaigns.errors import UnverifiedSender
from campaigns.lifecycle import delete_campaign, schedule_campaign, send_now, unschedule_campaign
from campaigns.patience import patiently
from campaigns.readiness import WITH_LINK
from campaigns.senders import get_sender, sender_of
from campaigns.several import delete_campaigns
from campaigns.states import CampaignStatus
from campaigns.testing import send_test
from content.versions import find_active_version, find_version
from mailer.draft import Address
from mailer.template_testing import send_template_test

SINGLE_SENDS = Dialect.SINGLE_SENDS
PAGE, HIGHEST_PAGE = 50, 100
CATEGORIES = 1000


IN_SEND_TO: Final = frozenset({"list_ids", "segment_ids"})
"""The fields of `send_to`. The other fields that errors name are in `email_config`."""


def place_of(field: str) -> str:
    """Return the place of a field in the body of a Single Send."""
    return f"{'send_to' if field in IN_SEND_TO else 'email_config'}.{field}"


UNKNOWN_TEMPLATE: Final = Answer(400, "template_id", "template_id does not exist")
ANSWERS: Final[Answers] = {
    **errors.ANSWERS,
    "not_ready": errors.not_ready(errors.MISSING, place_of),
    "invalid_content": errors.invalid_content(place_of),
    "unknown_part": errors.unknown_part(place_of),
}
WRITE_ANSWERS: Final[Answers] = {
    **ANSWERS,
    "unverified_sender": Answer(400, "email_config.sender_id", errors.NOT_VERIFIED),
    "unknown_design": Answer(400, "email_config.design_id", "design_id does not exist"),
    "invalid_template": Answer(400, "email_config.design_id", "{error}"),
}


class SingleSendEndpoint(MarketingEndpoint):
    """An endpoint of Single Sends."""

    answers: ClassVar[Answers] = ANSWERS

    def number_of(self, single_send_id: str) -> int:
        """Return the core's id of the Single Send that a path names. Raises UnknownCampaign."""
        return numbers_of(self.account, [inputs.read_public_id(single_send_id)])[0]


@schema.single_sends
class SingleSends(SingleSendEndpoint):
    answers = WRITE_ANSWERS
    scopes = needing(POST="create", GET="read", DELETE="delete")

    def get(self, request: Request) -> Response:
        page = read_page(request, list_campaigns(self.account), default=PAGE, highest=HIGHEST_PAGE)
        return Response(page_of(map(outputs.line, page.rows), page.metadata))

    @done_once
    def post(self, request: Request) -> Response:
        changes = inputs.read_new_single_send(request, self.account)
        campaign = create_campaign(self.account, changes, rules=inputs.RULES)
        return Response(outputs.single_send(campaign), status=201)

    def delete(self, request: Request) -> Response:
        numbers = numbers_of(self.account, inputs.read_deleted_ids(request))
        allowed_from = may(Move.DELETE, SINGLE_SENDS)
        receipts = patiently(delete_campaigns, self.account, numbers, actor=self.actor, allowed_from=allowed_from)
        return Response(status=204, headers=headers_of_receipts(receipts))


@schema.one_single_send
class OneSingleSend(SingleSendEndpoint):
    answers = WRITE_ANSWERS
    scopes = needing(GET="read", POST="create", PATCH="update", DELETE="delete")

    def get(self, request: Request, single_send_id: str) -> Response:
        campaign = find_campaign(self.account, inputs.read_public_id(single_send_id))
        return Response(outputs.single_send(campaign))

    @done_once
    def post(self, request: Request, single_send_id: str) -> Response:
        """Copy the Single Send."""
        number, name = self.number_of(single_send_id), inputs.read_name_of_copy(request)
        copy = duplicate_campaign(self.account, number, name, longest=TITLE_LENGTH)
        return Response(outputs.single_send(copy), status=201)

    def patch(self, request: Request, single_send_id: str) -> Response:
        campaign = patiently(
            edit_campaign,
            self.account,
            self.number_of(single_send_id),
            inputs.read_single_send_change(request, self.account),
            allowed_from=may(Move.EDIT, SINGLE_SENDS),
            rules=inputs.RULES,
        )
        return Response(outputs.single_send(campaign), status=202)

    def delete(self, request: Request, single_send_id: str) -> Response:
        number, allowed_from = self.number_of(single_send_id), may(Move.DELETE, SINGLE_SENDS)
        receipt = patiently(delete_campaign, self.account, number, actor=self.actor, allowed_from=allowed_from)
        return Response(status=204, headers=receipt_headers(receipt) if receipt else None)


@schema.single_send_schedule
class SingleSendSchedule(SingleSendEndpoint):
    scopes = needing(PUT="update", DELETE="delete")

    def put(self, request: Request, single_send_id: str) -> Response:
        """Send the Single Send at once, or schedule it for a time.

        Delivery adds the unsubscribe link, so the content needs no tag for it.
        """
        number, send_at = self.number_of(single_send_id), inputs.read_schedule(request)
        if send_at is None:
            allowed_from = may(Move.SEND_NOW, SINGLE_SENDS)
            campaign = patiently(
                send_now, self.account, number, key=self.key, allowed_from=allowed_from, needs=WITH_LINK
            )
        else:
            allowed_from = may(Move.SCHEDULE, SINGLE_SENDS)
            campaign = patiently(
                schedule_campaign,
                self.account,
                number,
                send_at,
                key=self.key,
                allowed_from=allowed_from,
                needs=WITH_LINK,
            )
        return Response(outputs.schedule(campaign.send_at, CampaignStatus.SCHEDULED), status=201)

    def delete(self, request: Request, single_send_id: str) -> Response:
        number, allowed_from = self.number_of(single_send_id), may(Move.UNSCHEDULE, SINGLE_SENDS)
        receipt = patiently(unschedule_campaign, self.account, number, allowed_from=allowed_from)
        headers = receipt_headers(receipt) if receipt else None
        return Response(outputs.schedule(None, CampaignStatus.DRAFT), headers=headers)


@schema.single_send_search
class SingleSendSearch(SingleSendEndpoint):
    scopes = needing(POST="read")

    @done_once
    def post(self, request: Request) -> Response:
        campaigns = list_campaigns(self.account, **inputs.read_search(request))
        page = read_page(request, campaigns, default=PAGE, highest=HIGHEST_PAGE)
        return Response(page_of(map(outputs.line, page.rows), page.metadata))


@schema.single_send_categories
class SingleSendCategories(SingleSendEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request) -> Response:
        return Response({"categories": categories_of(self.account, limit=CATEGORIES)})


@schema.test_mail
class TestMail(MarketingEndpoint):
    answers = {
        **errors.TEST_ANSWERS,
        "unknown_campaign": UNKNOWN_TEMPLATE,
        "unknown_template": UNKNOWN_TEMPLATE,
        "unknown_sender": Answer(400, "sender_id", "sender_id does not exist"),
        "no_active_version": Answer(400, "template_id", "the template has no active version"),
        "unknown_version": Answer(400, "version_id_override", "version_id_override does not exist"),
    }
    scopes = needing(POST="create")

    @done_once
    def post(self, request: Request) -> Response:
        test = inputs.read_test(request)
        if isinstance(test.template, UUID):
            self.send_single_send(test, test.template)
        else:
            self.send_template(test, test.template)
        return Response({}, status=202)

    def send_single_send(self, test: inputs.Test, single_send: UUID) -> None:
        number = numbers_of(self.account, [single_send])[0]
        sender = test.sender or sender_of(self.account, test.from_address or "")
        changes = {**test.changes(), "sender": sender}
        send_test(self.account, number, test.addresses, changes=changes, rules=inputs.RULES)

    def send_template(self, test: inputs.Test, template: str) -> None:
        """Send the version that the test names, or the active one."""
        if test.version:
            version = find_version(self.account, template, test.version)
        else:
            version = find_active_version(self.account, template)
        sender, reply_to = self.sender_of_test(test)
        send_template_test(
            self.account,
            version,
            test.addresses,
            sender=sender,
            reply_to=reply_to,
            unsubscribe_group=test.suppression_group,
            unsubscribe_url=test.custom_unsubscribe_url,
        )

    def sender_of_test(self, test: inputs.Test) -> tuple[Address, tuple[Address, ...]]:
        """Return the sender and the reply address of a test. As in mail/send, it may be from any address."""
        if not test.sender:
            return Address(test.from_address or ""), ()
        sender = get_sender(self.account, test.sender)
        if sender.verified_at is None:
            raise UnverifiedSender(field="sender")
        return Address(sender.from_email, sender.from_name), (Address(sender.reply_to, sender.reply_to_name),)


SINGLE_SEND_ID = r"(?P<single_send_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/singlesends/?$", SingleSends.as_view()),
    re_path(r"^marketing/singlesends/categories/?$", SingleSendCategories.as_view()),
    re_path(r"^marketing/singlesends/search/?$", SingleSendSearch.as_view()),
    re_path(rf"^marketing/singlesends/{SINGLE_SEND_ID}/?$", OneSingleSend.as_view()),
    re_path(rf"^marketing/singlesends/{SINGLE_SEND_ID}/schedule/?$", SingleSendSchedule.as_view()),
    re_path(r"^marketing/test/send_email/?$", TestMail.as_view()),
]
