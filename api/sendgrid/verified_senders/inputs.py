"""Read the requests of verified senders. The core tells which values are valid."""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from pydantic import Field
from rest_framework.request import Request

from api.bodies import ANY, Body
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.reading import read_fields, read_number, read_object
from api.sendgrid.senders.inputs import PartText
from api.sendgrid.values import Texts
from campaigns.senders import Parts


class SenderRequest(Body):
    """A sender, or what changes of it. Null stands for an empty text."""

    nickname: PartText = ""
    from_email: PartText = ""
    from_name: PartText = ""
    reply_to: PartText = ""
    reply_to_name: PartText = ""
    address: PartText = ""
    address_2: PartText = Field("", alias="address2")
    city: PartText = ""
    state: PartText = ""
    zip: PartText = ""
    country: PartText = ""


TEXTS: Final[Texts] = {(ANY, "string_type"): "{name} must be a string."}


class Window(NamedTuple):
    """The senders of a list: those with ids above `after`, and with this id if it is given, `limit` at most."""

    after: int
    number: int | None
    limit: int | None


def read_parts(request: Request) -> Parts:
    """Return the values that the body of a POST or PATCH holds, by their names in the core."""
    return cast("Parts", read_fields(SenderRequest, read_object(request), TEXTS).sent_fields())


def read_window(request: Request) -> Window:
    """Return the part of the list that a request asks for."""
    return Window(
        after=read_number(request, "lastSeenID", highest=HIGHEST_ID) or 0,
        number=read_number(request, "id", highest=HIGHEST_ID),
        limit=read_number(request, "limit", lowest=1),
    )
