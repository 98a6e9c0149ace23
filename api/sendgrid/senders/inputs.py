"""Read the requests of senders, legacy and newer. The core tells which values are valid."""

from __future__ import annotations

from typing import Annotated, Final, cast

from pydantic import Field, ValidationError
from rest_framework.request import Request

from api.bodies import ANY, Body, null_as
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.ids import read_id
from api.sendgrid.reading import problems_of, read_object
from api.sendgrid.values import Texts
from campaigns.errors import UnknownSender
from campaigns.senders import Parts

PartText = Annotated[str, null_as(str)]


class From(Body):
    """The address and the name that mail is from."""

    from_email: PartText = Field("", alias="email")
    from_name: PartText = Field("", alias="name")


class ReplyTo(Body):
    """The address and the name that replies go to."""

    reply_to: PartText = Field("", alias="email")
    reply_to_name: PartText = Field("", alias="name")


class SenderRequest(Body):
    """A sender, or what changes of it. Null stands for an empty text."""

    nickname: PartText = ""
    address: PartText = ""
    address_2: PartText = ""
    city: PartText = ""
    state: PartText = ""
    zip: PartText = ""
    country: PartText = ""
    sender: From = Field(From(), alias="from")
    reply_to: ReplyTo = ReplyTo()

    def parts(self) -> Parts:
        """Return the values of all fields that the request holds, by their names in the core."""
        plain = {name: value for name, value in self.sent_fields().items() if not isinstance(value, Body)}
        return cast("Parts", plain | self.sender.sent_fields() | self.reply_to.sent_fields())


TEXTS: Final[Texts] = {
    (ANY, "model_type"): "{name} must be an object.",
    (ANY, "string_type"): "{name} must be a string.",
    **{
        (path, "string_type"): Problem(f"{part} must be a string.", part)
        for path, part in (
            ("from.email", "from_email"),
            ("from.name", "from_name"),
            ("reply_to.email", "reply_to"),
            ("reply_to.name", "reply_to_name"),
        )
    },
}


def read_sender_id(text: str) -> int:
    """Return the id of the sender that a path names. Raises UnknownSender."""
    number = read_id(text)
    if number is None:
        raise UnknownSender(field="id")
    return number


def read_parts(request: Request) -> Parts:
    """Return the values that the body of POST or PATCH senders holds.

    An error names the objects that are no objects before the texts that are no strings.
    """
    try:
        return SenderRequest.model_validate(read_object(request)).parts()
    except ValidationError as error:
        problems = sorted(problems_of(error, TEXTS), key=lambda problem: problem.message.endswith("string."))
        raise Refusal(400, *problems) from None
