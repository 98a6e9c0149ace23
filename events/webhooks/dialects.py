"""Choose the form of an endpoint's dialect."""

from __future__ import annotations

from events.models import Dialect
from events.webhooks.forms import Form, NativeForm
from events.webhooks.sendgrid_form import SendGridForm


def form_of(dialect: str, *, gets_own_events: bool) -> Form:
    """Return the form of a dialect. `gets_own_events` has a meaning only for SendGrid's dialect."""
    return SendGridForm(gets_own_events=gets_own_events) if dialect == Dialect.SENDGRID else NativeForm()
