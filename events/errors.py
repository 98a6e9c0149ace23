"""Define the errors of endpoints and deliveries."""

from __future__ import annotations

from uuid import UUID

from foundation.errors import SluiceError


class UnknownEndpoint(SluiceError):
    """The account has no endpoint of that id."""

    code = "unknown_endpoint"


class UnknownDelivery(SluiceError):
    """The endpoint has no delivery of that id, or no longer."""

    code = "unknown_delivery"


class EndpointLimitReached(SluiceError):
    """The account has as many endpoints as `ENDPOINTS_LIMIT` allows."""

    code = "endpoint_limit_reached"


class InvalidUrl(SluiceError):
    """The text is not a URL that can be posted to. `url` is its beginning."""

    code = "invalid_url"

    def __init__(self, url: str, *, field: str) -> None:
        self.url = url[:200]
        super().__init__(f"{field} is not the URL of an endpoint", field=field)


class UrlTaken(SluiceError):
    """Another endpoint of the account has this URL in the same dialect. `public_id` is its id."""

    code = "url_taken"

    def __init__(self, url: str, public_id: UUID) -> None:
        self.url = url
        self.public_id = public_id
        super().__init__("another endpoint has this URL", field="url")


class IncompleteOAuth(SluiceError):
    """OAuth needs a client id, a client secret and the URL for tokens. `field` names the missing one."""

    code = "incomplete_oauth"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is missing: OAuth needs a client id, a client secret and a token URL", field=field)


class NoSecret(SluiceError):
    """An endpoint of SendGrid's dialect signs with ECDSA, and has no secret that could be rotated."""

    code = "no_secret"


class NotReplayable(SluiceError):
    """The delivery cannot be posted again; the text says why."""

    code = "not_replayable"
