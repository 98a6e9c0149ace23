"""What the OpenAPI document says of Easymail's calls (`api/openapi.py` has the words), a module to a family.

To add a call: one value in its family's module, and `@schema.family.its_name` above its view.
"""

from api.easymail.schema import audience, campaigns, words
from api.openapi import Piece

__all__ = ["COMPONENTS", "audience", "campaigns"]

COMPONENTS: dict[str, Piece] = words.COMPONENTS | campaigns.COMPONENTS | audience.COMPONENTS
