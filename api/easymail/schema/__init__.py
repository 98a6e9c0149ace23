"""Describe Easymail's calls in OpenAPI, one module for each family. `api/openapi.py` has the vocabulary.

To add a call, write one value in its family's module, and `@schema.family.its_name` above its view.
"""

from api.easymail.schema import audience, campaigns, words
from api.openapi import Piece

__all__ = ["COMPONENTS", "audience", "campaigns"]

COMPONENTS: dict[str, Piece] = words.COMPONENTS | campaigns.COMPONENTS | audience.COMPONENTS
