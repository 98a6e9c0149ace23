"""Describe the native API's calls in OpenAPI, one module for each resource. `api/openapi.py` has the vocabulary.

To add a call, write one value at the end of the module of its resource, and `@schema.its_name` above its view. The
forms of `inputs` describe the bodies of requests; `COMPONENTS` describes the bodies of answers, and the suite compares
them with what `outputs.py` writes.
"""

from api.native.schema import account, batches, campaigns, endpoints, events, keys, messages, now, receipts, words
from api.openapi import Piece

__all__ = ["COMPONENTS"]

COMPONENTS: dict[str, Piece] = {
    name: piece
    for module in (account, batches, campaigns, endpoints, events, keys, messages, now, receipts, words)
    for name, piece in module.COMPONENTS.items()
}
