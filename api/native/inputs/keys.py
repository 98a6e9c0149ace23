"""Read the request that revokes a key."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import MoveForm
from api.native.inputs.reading import read_body_as


@dataclass(frozen=True, slots=True)
class RevokeRequest:
    """The content of a revocation."""

    reason: str
    is_dry_run: bool
    stops_scheduled: bool


class RevokeForm(MoveForm):
    """The fields of a revocation."""

    stop_scheduled = serializers.BooleanField(default=False)


def read_revoke(request: Request) -> RevokeRequest:
    """Return the body of a revocation, which may be left out."""
    fields = read_body_as(RevokeForm, request)
    return RevokeRequest(fields["reason"], fields["dry_run"], fields["stop_scheduled"])
