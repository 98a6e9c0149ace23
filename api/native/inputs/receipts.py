"""What is asked of receipts."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import PageForm, PublicIdField
from api.native.inputs.reading import check
from batches.models import Receipt


@dataclass(frozen=True, slots=True)
class ReceiptsQuery:
    """Which receipts; `after` is the public id of the last one seen."""

    batch_id: str | None
    action: Receipt.Action | None
    after: str | None
    limit: int


class ReceiptsForm(PageForm):
    batch_id = PublicIdField()
    action = serializers.ChoiceField(Receipt.Action.values, default=None)
    after = PublicIdField()


def read_receipts_query(request: Request) -> ReceiptsQuery:
    """The query of GET receipts."""
    given = check(ReceiptsForm(data=request.query_params.dict()))
    action = None if given["action"] is None else Receipt.Action(given["action"])
    return ReceiptsQuery(given["batch_id"], action, given["after"], given["limit"])
