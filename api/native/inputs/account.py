"""The policies of an account."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import DoubtPolicy
from accounts.policies import Policies
from api.native.inputs.reading import read_body_as

DOUBT_POLICIES = {policy.label: policy for policy in DoubtPolicy}
LONGEST_LATENESS_SECONDS = 365 * 24 * 3600


class PoliciesForm(serializers.Serializer[Any]):
    """The fields of PATCH account."""

    doubt_policy = serializers.ChoiceField(list(DOUBT_POLICIES), required=False)
    lateness_limit_seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LONGEST_LATENESS_SECONDS
    )


def read_policies(request: Request) -> Policies:
    """Return the policies that the body of PATCH account names."""
    fields = read_body_as(PoliciesForm, request)
    named = Policies()
    if "doubt_policy" in fields:
        named["doubt_policy"] = DOUBT_POLICIES[fields["doubt_policy"]]
    if "lateness_limit_seconds" in fields:
        named["lateness_limit"] = fields["lateness_limit_seconds"]
    return named
