"""Read the requests of designs. An answer names every field that is wrong."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast
from uuid import UUID

from pydantic import Field
from rest_framework.request import Request

from api.bodies import ANY, Body, condition, find_uuid
from api.sendgrid.plain_content import with_plain_content
from api.sendgrid.reading import has_body, read_fields, read_flag, read_object, without_nulls
from api.sendgrid.values import Categories, Content, Editor, Texts, Title, is_short
from content.designs import DesignFields
from content.errors import UnknownDesign
from content.limits import DESIGN_SUBJECT_LENGTH
from foundation.texts import is_line

PAGE: Final = 100
WHOLE_PAGE: Final = 10
"""The most designs of a page that shows their contents, each of which may have two megabytes."""
NEW_NAME: Final = "My Design"


class DesignChange(Body):
    """A change of a design."""

    name: Title = NEW_NAME
    subject: Annotated[str, condition("line", is_line), is_short(DESIGN_SUBJECT_LENGTH)] = ""
    html_content: Content = ""
    plain_content: Content = ""
    generates_plain: bool = Field(True, alias="generate_plain_content")
    editor: Editor = "code"
    categories: Categories = []

    def changes(self, *, is_new: bool) -> DesignFields:
        """Return the values that the request holds, by their names in the core."""
        return cast("DesignFields", with_plain_content(self.sent_fields(), is_new=is_new))


class NewDesign(DesignChange):
    """A new design."""

    html_content: Content


class Copy(Body):
    """The name and the editor of a copy."""

    name: Title | None = None
    editor: Editor | None = None


TEXTS: Final[Texts] = {(ANY, "missing"): "{name} is required"}


def read_design_id(text: str) -> UUID:
    """Return the id of the design that a path names. Raises UnknownDesign."""
    design_id = find_uuid(text)
    if design_id is None:
        raise UnknownDesign(field="design_id")
    return design_id


def read_with_texts(request: Request) -> bool:
    """Return whether a list is to show the contents: whether `summary`, which is true by default, is false."""
    return "summary" in request.query_params and not read_flag(request, "summary")


def read_new_design(request: Request) -> DesignFields:
    """Return the values of a new design, from the body of POST designs."""
    fields: dict[str, Any] = {"name": NEW_NAME, **without_nulls(read_object(request))}
    return read_fields(NewDesign, fields, TEXTS).changes(is_new=True)


def read_design_change(request: Request) -> DesignFields:
    """Return the values that change, from the body of PATCH designs/{id}. Null changes nothing."""
    return read_fields(DesignChange, without_nulls(read_object(request)), TEXTS).changes(is_new=False)


def read_copy(request: Request) -> Copy:
    """Return the name and the editor in the body of POST designs/{id}, which may be empty."""
    return read_fields(Copy, without_nulls(read_object(request)) if has_body(request) else {}, TEXTS)
