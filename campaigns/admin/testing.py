"""Where a campaign's test goes."""

from __future__ import annotations

import re

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from audience.drafts import is_email
from campaigns.editing import TEST_ADDRESSES


class AddressesForm(forms.Form):
    """Up to ten addresses."""

    to = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "you@example.com"}),
        help_text=f"Up to {TEST_ADDRESSES} addresses, with commas between them.",
    )

    def clean_to(self) -> list[str]:
        addresses = list(dict.fromkeys(address for address in re.split(r"[,;\s]+", self.cleaned_data["to"]) if address))
        if wrong := [address for address in addresses if not is_email(address)]:
            raise forms.ValidationError(f"This is no address: {wrong[0]}")
        return addresses
