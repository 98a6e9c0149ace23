"""Post a body to an endpoint: signed, and with an access token if the endpoint needs one."""

from __future__ import annotations

import time
from typing import Any, Final

from events.models import Endpoint
from events.webhooks.client import Answer, Client
from events.webhooks.forms import Form
from events.webhooks.oauth import BadToken, forget_token, token_for
from events.webhooks.secrets import LostSecret
from foundation.clock import Now

UNAUTHORIZED: Final = (401, 403)


def post_signed(client: Client, endpoint: Endpoint, form: Form, delivery_id: str, body: bytes) -> Answer:
    """Post a body, and return the end of the attempt. A token that was not accepted is not used again."""
    try:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Sluice",
            **token_for(endpoint, client),
            **form.sign(endpoint, delivery_id, int(time.time()), body),
        }
    except LostSecret:
        return Answer(None, "the secret of the endpoint was encrypted with another SECRET_KEY")
    except BadToken as error:
        return Answer(None, f"no OAuth token: {error}")
    answer = client.post(endpoint.url, body, headers)
    if answer.status in UNAUTHORIZED:
        forget_token(endpoint)
    return answer


def facts_of(answer: Answer) -> dict[str, Any]:
    """Return the columns of a delivery that describe its last attempt."""
    return {
        "status_code": answer.status,
        "error": answer.error,
        "reply": answer.reply,
        "seconds": answer.seconds,
        "attempted_at": Now(),
    }
