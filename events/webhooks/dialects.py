"""Choose the form of an endpoint's dialect."""

from __future__ import annotations

from events.models import Dialect
from events.webhooks.forms import Form, NativeForm


def form_of(dialect: str, *, gets_own_events: bool) -> Form:
    """Return the form of a dialect."""
    del gets_own_events
    assert dialect == Dialect.NATIVE
    return NativeForm()
