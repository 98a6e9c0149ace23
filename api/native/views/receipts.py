"""Answer the calls for receipts: who made which change, when and why."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.native import errors, inputs, outputs
from api.native.schema import receipts as schema
from api.native.views.base import Endpoint
from batches.listing import find_receipt, list_receipts


@schema.receipts
class Receipts(Endpoint):
    resource = "receipt"
    scopes = {"GET": "sluice.receipts.read"}

    def get(self, request: Request) -> Response:
        query = inputs.read_receipts_query(request)
        rows, next_after = list_receipts(
            self.account, batch_id=query.batch_id, action=query.action, after=query.after, limit=query.limit
        )
        return Response(outputs.page(map(outputs.receipt_line, rows), limit=query.limit, next_after=next_after))


@schema.one_receipt
class OneReceipt(Endpoint):
    resource = "receipt"
    scopes = {"GET": "sluice.receipts.read"}

    def get(self, request: Request, receipt_id: str) -> Response:
        receipt = find_receipt(self.account, receipt_id)
        if receipt is None:
            raise errors.not_found("Receipt")
        return Response(outputs.envelope(outputs.receipt_details(receipt)))
