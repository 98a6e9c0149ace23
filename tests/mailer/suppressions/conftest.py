"""Provide mail with groups, and suppressions of its recipients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import Account
from mailer.draft import Address, MailDraft, Personalization
from mailer.models import UnsubscribeGroup
from mailer.pipeline.accept import accept_mail
from mailer.suppressions.groups import create_group
from tests.drafts import draft

Send = Callable[..., None]


@pytest.fixture
def news(alice: Account) -> UnsubscribeGroup:
    """Create an unsubscribe group of Alice."""
    return create_group(alice, name="News", description="Once a week")


def draft_to(*people: str | Personalization, **changes: Any) -> MailDraft:
    """Return a mail to these recipients, one message each."""
    personalizations = tuple(Personalization(to=(Address(each),)) if isinstance(each, str) else each for each in people)
    return replace(draft(), personalizations=personalizations, **changes)


@pytest.fixture
def send(alice: Account) -> Send:
    """Return a function that accepts a mail of Alice: `send("a@example.com", unsubscribe_group=…)`."""

    def accept(*people: str | Personalization, account: Account = alice, **changes: Any) -> None:
        accept_mail(account, draft_to(*people, **changes))

    return accept
