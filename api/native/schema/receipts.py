"""Describe the calls of `views/receipts.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import RECEIPT, call, envelope_of, page_of
from api.openapi import TEXT, Piece, Reply, list_of, record

COMPONENTS: dict[str, Piece] = {
    "Receipt": record(**RECEIPT),
    "ReceiptDetails": record(**RECEIPT, doubtful_messages=list_of(TEXT)),
}

receipts = extend_schema_view(
    get=call(
        "list_receipts",
        "List the receipts of stops and other changes, newest first",
        tag="receipts",
        query=inputs.ReceiptsForm,
        replies={200: Reply("A page of receipts.", page_of("Receipt"))},
    ),
)
one_receipt = extend_schema_view(
    get=call(
        "get_receipt",
        "Get a receipt with the ids of its messages in doubt",
        tag="receipts",
        replies={200: Reply("The receipt.", envelope_of("ReceiptDetails"))},
        refusals=[404],
    ),
)
