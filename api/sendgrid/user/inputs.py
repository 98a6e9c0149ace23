"""Read the requests of the account as a user. The texts of errors are ours."""

from __future__ import annotations

from typing import Annotated, Final

from rest_framework.request import Request

from api.bodies import ANY, Body, condition
from api.sendgrid.reading import read_fields, read_object
from api.sendgrid.values import Texts, is_short
from foundation.addresses import LONGEST_EMAIL, is_email


class EmailRequest(Body):
    """The address at which the people behind the account are reached."""

    email: Annotated[str, condition("address", is_email), is_short(LONGEST_EMAIL)]


TEXTS: Final[Texts] = {(ANY, "missing"): "{name} is required"}


def read_email(request: Request) -> str:
    """Return the address that the body of PUT user/email holds."""
    return read_fields(EmailRequest, read_object(request), TEXTS).email
