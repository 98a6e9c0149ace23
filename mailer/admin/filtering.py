"""Share the filters of the pages about messages: an account by its username, a batch by its public id, and a day."""

from __future__ import annotations

import datetime as dt

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import Account
from batches.models import Batch

CENTURY = (2000, 2099)


class DayInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """The browser's own choice of a day."""

    input_type = "date"


class DayField(forms.DateField):
    """A day in UTC of this century."""

    widget = DayInput

    def __init__(self, label: str = "Day (UTC)") -> None:
        super().__init__(required=False, label=label)

    def validate(self, value: dt.date | None) -> None:
        super().validate(value)
        if value and not CENTURY[0] <= value.year <= CENTURY[1]:
            raise forms.ValidationError(f"The year must be from {CENTURY[0]} to {CENTURY[1]}.")


class OwnerForm(forms.Form):
    """Choose an account and a batch. A batch of another account than the chosen one is refused."""

    account = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "username"}))
    batch = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "batch id", "size": 36})
    )

    def clean_account(self) -> Account | None:
        username = self.cleaned_data["account"]
        account = Account.objects.filter(username=username).first() if username else None
        if username and account is None:
            raise forms.ValidationError("No account has this username.")
        return account

    def clean_batch(self) -> Batch | None:
        public_id = self.cleaned_data["batch"]
        batches = Batch.objects.select_related("account").filter(public_id=public_id)
        account = self.cleaned_data.get("account")
        batch = (batches.filter(account=account) if account else batches).first() if public_id else None
        if public_id and batch is None:
            raise forms.ValidationError("The account has no such batch." if account else "No batch has this id.")
        return batch
