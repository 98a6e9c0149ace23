"""Read the requests of templates and their versions. An answer names every field that is wrong."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field
from rest_framework.request import Request

from api.bodies import ANY, Body, as_one, condition, find_uuid
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.plain_content import with_plain_content
from api.sendgrid.reading import has_body, read_fields, read_list, read_object, without_nulls
from api.sendgrid.values import Content, Editor, Texts, Title, is_short
from content.errors import UnknownTemplate, UnknownVersion
from content.limits import SUBJECT_LENGTH
from content.templates import DYNAMIC_ID
from content.versions import VersionFields
from foundation.texts import is_line

GENERATIONS: Final = ("legacy", "dynamic")
HIGHEST_PAGE: Final = 200
Subject = Annotated[str, condition("line", is_line), is_short(SUBJECT_LENGTH)]
WRONG_GENERATIONS: Final = Problem("generations must be legacy, dynamic or legacy,dynamic", "generations")


class NewTemplate(Body):
    """A new template."""

    name: Title
    generation: Annotated[Literal["legacy", "dynamic"], as_one("generation")] = "legacy"


class TemplateName(Body):
    """The name of a template."""

    name: Title


class VersionChange(Body):
    """A change of a version."""

    name: Title = ""
    subject: Subject = ""
    html_content: Content = ""
    plain_content: Content = ""
    generates_plain: bool = Field(True, alias="generate_plain_content")
    editor: Editor = "code"
    test_data: str = ""
    is_active: Annotated[int, Field(ge=0, le=1), as_one("active")] = Field(0, alias="active")

    def changes(self, *, is_new: bool) -> VersionFields:
        """Return the values that the request holds, by their names in the core."""
        return cast("VersionFields", with_plain_content(self.sent_fields(), is_new=is_new))


class NewVersion(VersionChange):
    """A new version."""

    name: Title
    subject: Subject


TEXTS: Final[Texts] = {
    (ANY, "missing"): "{name} is required",
    (ANY, "generation"): "generation must be 'legacy' or 'dynamic'",
    (ANY, "active"): "active must be 0 or 1",
}


def read_template_id(text: str) -> str:
    """Return the id of the template that a path names. Raises UnknownTemplate for a text that no template has as id."""
    public_id = text.lower()
    if not DYNAMIC_ID.fullmatch(public_id) and find_uuid(public_id) is None:
        raise UnknownTemplate(field="template_id")
    return public_id


def read_version_id(text: str) -> uuid.UUID:
    """Return the id of the version that a path names. Raises UnknownVersion."""
    version_id = find_uuid(text)
    if version_id is None:
        raise UnknownVersion(field="version_id")
    return version_id


def read_ids(template_id: str, version_id: str) -> tuple[str, uuid.UUID]:
    """Return the ids of the template and the version that a path names. Raises UnknownTemplate and UnknownVersion."""
    return read_template_id(template_id), read_version_id(version_id)


def read_generations(request: Request) -> list[bool]:
    """Return the kinds of templates to list: `True` for dynamic templates, `False` for legacy ones, the default."""
    words = read_list(request, "generations", highest=len(GENERATIONS)) or ["legacy"]
    if not set(words) <= set(GENERATIONS):
        raise Refusal(400, WRONG_GENERATIONS)
    return [word == "dynamic" for word in words]


def read_new_template(request: Request) -> NewTemplate:
    """Return the template that the body of POST templates asks for."""
    return read_fields(NewTemplate, without_nulls(read_object(request)), TEXTS)


def read_name(request: Request) -> str:
    """Return the name in the body of PATCH templates."""
    return read_fields(TemplateName, read_object(request), TEXTS).name


def read_name_of_copy(request: Request) -> str | None:
    """Return the name in the body of POST templates/{id}, or None: the copy is named after its original."""
    name = read_object(request).get("name") if has_body(request) else None
    return None if name in (None, "") else read_fields(TemplateName, {"name": name}).name


def read_new_version(request: Request) -> VersionFields:
    """Return the values of a new version, from the body of POST versions."""
    return read_fields(NewVersion, _given(request), TEXTS).changes(is_new=True)


def read_version_change(request: Request) -> VersionFields:
    """Return the values that change, from the body of PATCH versions/{id}. Null changes nothing."""
    return read_fields(VersionChange, _given(request), TEXTS).changes(is_new=False)


def _given(request: Request) -> dict[str, Any]:
    return without_nulls(read_object(request))
