"""What the REST dialects' views share: keys and scopes before, JSON after, and who asked."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Account, ApiKey
from api.auth import HoldsScope, KeyAuthentication, acting_account, key_of


class AnyAccept(BaseContentNegotiation):
    """Everything is answered in JSON, whatever the Accept header says."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class KeyEndpoint(APIView):
    """A resource for holders of keys: its name in the dialect's table of errors, and the scope each method needs."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HoldsScope]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AnyAccept
    metadata_class = None
    resource: ClassVar[str]
    scopes: ClassVar[dict[str, str | None]]
    account: Account

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.account = acting_account(request)

    @property
    def key(self) -> ApiKey:
        """The key that asks."""
        return key_of(self.request)

    @property
    def actor(self) -> str:
        """Who asks, for a receipt."""
        return f"key {self.key.key_id} ({self.key.name})"
