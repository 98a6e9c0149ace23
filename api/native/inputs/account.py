"""Read changes of the contact address and the policies of an account."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from accounts.editing import AccountChanges
from accounts.models import DoubtPolicy, validate_email
from api.native.inputs.reading import read_body_as
from foundation.addresses import LONGEST_EMAIL

DOUBT_POLICIES = {policy.label: policy for policy in DoubtPolicy}
LONGEST_LATENESS_SECONDS = 365 * 24 * 3600


class AccountForm(serializers.Serializer[Any]):
    """The fields of PATCH account."""

    email = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_EMAIL, validators=[validate_email]
    )
    doubt_policy = serializers.ChoiceField(list(DOUBT_POLICIES), required=False)
    lateness_limit_seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LONGEST_LATENESS_SECONDS
    )


def read_account_changes(request: Request) -> AccountChanges:
    """Return the changes that the body of PATCH account names."""
    fields = read_body_as(AccountForm, request)
    changes = AccountChanges()
    if "email" in fields:
        changes["email"] = fields["email"]
    if "doubt_policy" in fields:
        changes["doubt_policy"] = DOUBT_POLICIES[fields["doubt_policy"]]
    if "lateness_limit_seconds" in fields:
        changes["lateness_limit"] = fields["lateness_limit_seconds"]
    return changes
