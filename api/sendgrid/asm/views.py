"""Answer the calls for unsubscribe groups, and for addresses that have unsubscribed from a group or from all mail."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponseBase
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once
from api.sendgrid.asm import inputs, outputs, schema
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers
from api.sendgrid.suppressions.inputs import EMAIL, read_known
from mailer.models import SuppressionKind
from mailer.suppressions import groups, lists

# The documents have these rules, and no texts for them.
ANSWERS: Final[Answers] = {
    "unknown_group": Answer(404, None, "not found"),
    "group_name_taken": Answer(400, "name", "a group with this name exists"),
    "group_limit_reached": Answer(400, None, f"Cannot create more than {groups.GROUPS_LIMIT} groups"),
}


class GroupEndpoint(Endpoint):
    """An endpoint of unsubscribe groups."""

    answers = ANSWERS


@schema.groups
class Groups(GroupEndpoint):
    scopes = {"POST": "asm.groups.create", "GET": "asm.groups.read"}

    def get(self, request: Request) -> Response:
        rows = groups.counted(groups.living_groups(self.account))
        if ids := inputs.read_ids(request):
            rows = rows.filter(pk__in=ids)
        return Response([outputs.counted_group(group) for group in rows])

    @done_once
    def post(self, request: Request) -> Response:
        new = inputs.read_new_group(request)
        group = groups.create_group(
            self.account,
            name=new.name or "",
            description=new.description or "",
            is_default=bool(new.is_default),
        )
        return Response(outputs.group(group), status=201)


@schema.one_group
class OneGroup(GroupEndpoint):
    scopes = {"GET": "asm.groups.read", "PATCH": "asm.groups.update", "DELETE": "asm.groups.delete"}

    def get(self, request: Request, group_id: str) -> Response:
        return Response(self._write_group(groups.find_group(self.account, int(group_id)).pk))

    def patch(self, request: Request, group_id: str) -> Response:
        change = inputs.read_group_change(request)
        group = groups.change_group(
            self.account,
            int(group_id),
            name=change.name,
            description=change.description,
            is_default=change.is_default,
        )
        return Response(self._write_group(group.pk), status=201)

    def delete(self, request: Request, group_id: str) -> Response:
        groups.delete_group(self.account, int(group_id))
        return Response(status=204)

    def _write_group(self, group_id: int) -> dict[str, object]:
        return outputs.counted_group(groups.counted(groups.living_groups(self.account)).get(pk=group_id))


@schema.group_suppressions
class GroupSuppressions(GroupEndpoint):
    scopes = {"POST": "asm.groups.suppressions.create", "GET": "asm.groups.suppressions.read"}

    def get(self, request: Request, group_id: str) -> HttpResponseBase:
        group = groups.find_group(self.account, int(group_id))
        return outputs.streamed(suppression.email for suppression in lists.read_groups(self.account, group))

    @done_once
    def post(self, request: Request, group_id: str) -> Response:
        emails = inputs.read_emails(request)
        lists.leave_group(self.account, int(group_id), emails)
        return Response({"recipient_emails": emails}, status=201)


@schema.search_group_suppressions
class SearchGroupSuppressions(GroupEndpoint):
    scopes = {"POST": "asm.groups.suppressions.read"}

    @done_once
    def post(self, request: Request, group_id: str) -> Response:
        emails = inputs.read_searched_emails(request)
        group = groups.find_group(self.account, int(group_id))
        suppressions = lists.find_suppressed(self.account, SuppressionKind.GROUP, emails, group=group)
        return Response([each.email for each in suppressions])


@schema.one_group_suppression
class OneGroupSuppression(GroupEndpoint):
    scopes = {"DELETE": "asm.groups.suppressions.delete"}

    def delete(self, request: Request, group_id: str, email: str) -> Response:
        group = groups.find_group(self.account, int(group_id))
        lists.unsuppress(self.account, SuppressionKind.GROUP, read_known([email]), group=group)
        return Response(status=204)


@schema.suppressions
class Suppressions(Endpoint):
    """List the addresses that have unsubscribed from groups, each with its group."""

    scopes = {"GET": "asm.groups.suppressions.read"}

    def get(self, request: Request) -> HttpResponseBase:
        return outputs.streamed(
            outputs.group_suppression(suppression) for suppression in lists.read_groups(self.account)
        )


@schema.address_suppressions
class AddressSuppressions(Endpoint):
    """List the groups of the account, and whether one address has unsubscribed from them."""

    scopes = {"GET": "asm.groups.suppressions.read"}

    def get(self, request: Request, email: str) -> Response:
        (address,) = read_known([email])
        left_ids = lists.groups_left(self.account, address)
        rows = groups.living_groups(self.account)
        return Response({"suppressions": [{**outputs.group(each), "suppressed": each.pk in left_ids} for each in rows]})


@schema.global_suppressions
class GlobalSuppressions(Endpoint):
    scopes = {"POST": "asm.suppressions.global.create"}

    @done_once
    def post(self, request: Request) -> Response:
        emails = inputs.read_emails(request)
        lists.leave_everything(self.account, emails)
        return Response({"recipient_emails": emails}, status=201)


@schema.one_global_suppression
class OneGlobalSuppression(Endpoint):
    scopes = {"GET": "asm.suppressions.global.read", "DELETE": "asm.suppressions.global.delete"}

    def get(self, request: Request, email: str) -> Response:
        """Answer with the address, or with an empty object."""
        suppression = lists.find_suppressed(self.account, SuppressionKind.GLOBAL, read_known([email])).first()
        return Response({"recipient_email": suppression.email} if suppression else {})

    def delete(self, request: Request, email: str) -> Response:
        lists.unsuppress(self.account, SuppressionKind.GLOBAL, read_known([email]))
        return Response(status=204)


GROUP_ID = r"(?P<group_id>[0-9]{1,10})"

urlpatterns: list[URLPattern] = [
    re_path(r"^asm/groups/?$", Groups.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/?$", OneGroup.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/suppressions/?$", GroupSuppressions.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/suppressions/search/?$", SearchGroupSuppressions.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/suppressions/{EMAIL}/?$", OneGroupSuppression.as_view()),
    re_path(r"^asm/suppressions/?$", Suppressions.as_view()),
    re_path(r"^asm/suppressions/global/?$", GlobalSuppressions.as_view()),
    re_path(rf"^asm/suppressions/global/{EMAIL}/?$", OneGlobalSuppression.as_view()),
    re_path(rf"^asm/suppressions/{EMAIL}/?$", AddressSuppressions.as_view()),
]
