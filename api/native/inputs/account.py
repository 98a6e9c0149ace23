"""What an account wants to be done with its mail."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import DoubtPolicy
from accounts.policies import Policies
from api.native.inputs.reading import check, check_query, read_object

DOUBT_POLICIES = {policy.label: policy for policy in DoubtPolicy}
LONGEST_LATENESS_SECONDS = 365 * 24 * 3600


class PoliciesForm(serializers.Serializer[Any]):
    doubt_policy = serializers.ChoiceField(list(DOUBT_POLICIES), required=False)
    lateness_limit_seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LONGEST_LATENESS_SECONDS
    )


def read_policies(request: Request) -> Policies:
    """The body of PATCH account: only what it names."""
    check_query(request)
    given = check(PoliciesForm(data=read_object(request)))
    named = Policies()
    if "doubt_policy" in given:
        named["doubt_policy"] = DOUBT_POLICIES[given["doubt_policy"]]
    if "lateness_limit_seconds" in given:
        named["lateness_limit"] = given["lateness_limit_seconds"]
    return named
