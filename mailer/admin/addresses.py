"""Ask for the addresses that a test mail goes to."""

from __future__ import annotations

import re

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from foundation.addresses import is_address
from mailer.template_testing import TEST_ADDRESSES

LONGEST_ADDRESS = 320


def check_email(address: str) -> None:
    """Accept an address to which mail can be sent. Its domain must not be a bare host name. Raises ValidationError."""
    if len(address) > LONGEST_ADDRESS or not is_address(address) or "." not in address.rpartition("@")[2]:
        raise forms.ValidationError(f"This is not an e-mail address: {address}")


class AddressesForm(forms.Form):
    """Ask for up to ten addresses."""

    to = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "you@example.com"}),
        help_text=f"Up to {TEST_ADDRESSES} addresses, separated by commas.",
    )

    def clean_to(self) -> list[str]:
        addresses = list(dict.fromkeys(address for address in re.split(r"[,;\s]+", self.cleaned_data["to"]) if address))
        for address in addresses:
            check_email(address)
        if not 1 <= len(addresses) <= TEST_ADDRESSES:
            raise forms.ValidationError("Enter one to ten addresses, separated by commas.")
        return addresses
