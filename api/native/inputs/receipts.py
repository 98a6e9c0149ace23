"""Read the requests of receipts."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import PageForm, PublicIdField
from api.native.inputs.reading import read_query_as
from batches.models import Receipt


@dataclass(frozen=True, slots=True)
class ReceiptsQuery:
    """The query of a list of receipts. `after` is the public id of the last receipt of the page before."""

    batch_id: str | None
    action: Receipt.Action | None
    after: str | None
    limit: int


class ReceiptsForm(PageForm):
    """The fields of GET receipts."""

    batch_id = PublicIdField()
    action = serializers.ChoiceField(Receipt.Action.values, default=None)
    after = PublicIdField()


def read_receipts_query(request: Request) -> ReceiptsQuery:
    """Return the query of GET receipts."""
    fields = read_query_as(ReceiptsForm, request)
    action = None if fields["action"] is None else Receipt.Action(fields["action"])
    return ReceiptsQuery(fields["batch_id"], action, fields["after"], fields["limit"])
