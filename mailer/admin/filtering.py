"""Share the filters of the pages about messages: an account by its username, a batch by its public id, and a day."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import Account
from batches.models import Batch
from foundation.addresses import LONGEST_DOMAIN, domain_key
from mailer.listing.filters import REPLIES, STATES, WAITING, Filters

CENTURY = (2000, 2099)
LONGEST_TEXT: Final = 400
STATE_CHOICES: Final = (
    ("", "Any"),
    (WAITING, "Waiting (any of the next five)"),
    *((state, state.replace("_", " ").capitalize()) for state in STATES),
)
REPLY_CHOICES: Final = (("", "Any or none"), *((name, title) for name, (title, _) in REPLIES.items()))


class DayInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """Use the browser's input for a day."""

    input_type = "date"


class DayField(forms.DateField):
    """Read a day in UTC of this century."""

    widget = DayInput

    def __init__(self, label: str = "Day (UTC)") -> None:
        super().__init__(required=False, label=label)

    def validate(self, value: dt.date | None) -> None:
        super().validate(value)
        if value and not CENTURY[0] <= value.year <= CENTURY[1]:
            raise forms.ValidationError(f"The year must be from {CENTURY[0]} to {CENTURY[1]}.")


class AccountField(forms.CharField):
    """Read the username of an account, which may be left out."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "username"}))

    def clean(self, value: Any) -> Account | None:
        """Return the account, or None without a username."""
        username = super().clean(value)
        account = Account.objects.filter(username=username).first() if username else None
        if username and account is None:
            raise forms.ValidationError("No account has this username. Check the spelling.")
        return account


class OwnerForm(forms.Form):
    """Choose an account and a batch. A batch of another account than the chosen one is refused."""

    account = AccountField()
    batch = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "batch id", "size": 36})
    )

    def clean_batch(self) -> Batch | None:
        public_id = self.cleaned_data["batch"]
        batches = Batch.objects.select_related("account").filter(public_id=public_id)
        account = self.cleaned_data.get("account")
        batch = (batches.filter(account=account) if account else batches).first() if public_id else None
        if public_id and batch is None:
            raise forms.ValidationError("The account has no such batch." if account else "No batch has this id.")
        return batch


class ListForm(OwnerForm):
    """Choose the filters of the list of messages, which have the names in its address (`message_list.py`)."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=LONGEST_TEXT,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "address, X-Message-Id, batch id or message id"}),
    )
    state = forms.ChoiceField(required=False, choices=STATE_CHOICES, widget=UnfoldAdminSelectWidget)
    day = DayField("Day of send_at (UTC)")
    domain = forms.CharField(
        label="Domain of the recipient",
        required=False,
        max_length=LONGEST_DOMAIN,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "example.com"}),
    )
    reply = forms.ChoiceField(
        label="Refused or deferred because", required=False, choices=REPLY_CHOICES, widget=UnfoldAdminSelectWidget
    )
    field_order = ("q", "state", "account", "batch", "day", "domain", "reply")

    def clean_domain(self) -> str:
        domain = self.cleaned_data["domain"].removeprefix("@")
        return domain_key(domain) if domain else ""

    @property
    def filters(self) -> Filters:
        """Return the filters of a valid form."""
        data = self.cleaned_data
        text = data["q"].strip()
        return Filters(text, data["account"], data["batch"], data["state"], data["day"], data["domain"], data["reply"])
