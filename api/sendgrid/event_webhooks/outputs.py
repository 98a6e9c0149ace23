"""Write event webhooks and refusals of their calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.event_webhooks.inputs import ACCOUNT_STATUS_CHANGE, FLAGS
from api.sendgrid.outputs import envelope as plain_envelope
from api.sendgrid.outputs import write_time
from events.models import Endpoint

WITH_FIELDS: Final = (401, 403)
"""The statuses of refusals that have the common form, in which problems have a field."""


@dataclass(frozen=True, slots=True)
class TakenUrl(Problem):
    """The problem that another webhook has the URL. It names this webhook."""

    id: str = ""
    url: str = ""


def webhook(endpoint: Endpoint, *, with_account_status: bool) -> dict[str, Any]:
    """Return the settings of a webhook. The OAuth client secret and the private key are never shown."""
    flags = {name: bool(endpoint.kinds & kind) for name, kind in FLAGS.items()}
    if not with_account_status:
        flags.pop(ACCOUNT_STATUS_CHANGE)
    fields = {
        "enabled": endpoint.is_enabled,
        "url": endpoint.url,
        **flags,
        "sluice_events": endpoint.gets_own_events,
        "friendly_name": endpoint.friendly_name,
        "id": str(endpoint.public_id),
        "created_date": write_time(endpoint.created_at),
        "updated_date": write_time(endpoint.updated_at),
    }
    if endpoint.oauth_client_id:
        fields |= {"oauth_client_id": endpoint.oauth_client_id, "oauth_token_url": endpoint.oauth_token_url}
    return fields | ({"public_key": endpoint.public_key} if endpoint.public_key else {})


def signature(endpoint: Endpoint) -> dict[str, str]:
    """Return the public key of a webhook, which is empty if it does not sign."""
    return {"id": str(endpoint.public_id), "public_key": endpoint.public_key}


def envelope(refusal: Refusal) -> dict[str, Any]:
    """Return the body of a refusal. Its problems have only a message, but for a URL that another webhook has."""
    if refusal.status in WITH_FIELDS:
        return plain_envelope(refusal)
    return {"errors": [entry(problem) for problem in refusal.problems]}


def entry(problem: Problem) -> dict[str, str]:
    """Return a problem as the `errors` array has it."""
    if isinstance(problem, TakenUrl):
        return {"id": problem.id, "message": problem.message, "url": problem.url}
    return {"message": problem.message}
