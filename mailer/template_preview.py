"""Show a version of a template as it would be sent, with test data, although neither may be stored yet.

The functions that deliver a message make the preview, so it has the footer and the links of real mail. Nothing is
stored or sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from content.errors import InvalidTemplate
from content.handlebars import TemplateError, compile_template
from content.models import Template, TemplateVersion, VersionContent
from content.test_data import read_test_data
from content.versions import VersionFields, make_content
from foundation.errors import SluiceError
from mailer.compose.rendering import Renderer, rendering_of
from mailer.compose.source import Unrenderable
from mailer.compose.template import TextTooLong
from mailer.models import Mail
from mailer.preview import Part
from mailer.template_rules import RULES

EXAMPLE_SUBJECT: Final = "Example subject"
EXAMPLE_CONTENT: Final = (
    {"type": "text/plain", "value": "Example body"},
    {"type": "text/html", "value": "<p>Example body</p>"},
)
READER: Final = "reader@example.com"


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason why a preview cannot be made. Line and column count from 1; they are 0 where there is no place."""

    part: str
    message: str
    line: int = 0
    column: int = 0
    helper: str = ""


@dataclass(frozen=True, slots=True)
class TemplatePreview:
    """A rendered version: its subject and its parts, HTML first, or the problems that prevent it."""

    subject: str = ""
    parts: list[Part] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def preview_version(template: Template, fields: VersionFields, test_data: str) -> TemplatePreview:
    """Return the preview of a version with these fields, rendered with test data.

    Test data of a dynamic template are its data; those of a legacy one are substitutions, by their keys. A legacy
    template gets an example of a subject and of a body.
    """
    try:
        data = read_test_data(test_data)
    except InvalidTemplate as error:
        return TemplatePreview(problems=[find_json_problem(test_data) or Problem("Test data", f"{error}.")])
    try:
        content = make_content(TemplateVersion(template=template), fields, VersionContent(), RULES)
    except SluiceError as error:
        problems = find_problems(fields) if template.is_dynamic else []
        return TemplatePreview(problems=problems or [Problem("", f"{error}.")])
    return _render(content, _mail(template, content), _personal(template, data))


def preview_source(fields: VersionFields) -> TemplatePreview:
    """Return the preview of a design, whose tags stay as they are: a campaign that copies it fills them."""
    html = fields.get("html_content", "")
    is_plain_made = fields.get("generates_plain", True) and html.strip()
    plain = RULES.plain_text_of(html) if is_plain_made else fields.get("plain_content", "")
    parts = [Part(type, text) for type, text in (("text/html", html), ("text/plain", plain)) if text]
    return TemplatePreview(fields.get("subject", ""), parts)


def find_json_problem(text: str) -> Problem | None:
    """Return the place and the kind of an error in JSON, or None if the text is JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Problem("Test data", f"This is not JSON: {error.msg}.", error.lineno, error.colno)
    except (ValueError, RecursionError):
        return None
    return None


def find_problems(fields: VersionFields) -> list[Problem]:
    """Return the first error in Handlebars of each text that an author has written."""
    problems = []
    for label, source in texts_of(fields):
        try:
            compile_template(source, kept=RULES.kept_names)
        except TemplateError as error:
            problems.append(Problem(label, error.message, error.line, error.column, error.helper or ""))
    return problems


def texts_of(fields: VersionFields) -> Iterator[tuple[str, str]]:
    """Yield the names and the texts of a version, without a plain text that is made from its HTML."""
    yield "Subject", fields.get("subject", "")
    yield "HTML", fields.get("html_content", "")
    if not fields.get("generates_plain", True):
        yield "Plain text", fields.get("plain_content", "")


def _render(content: VersionContent, mail: Mail, personal: Mapping[str, Any]) -> TemplatePreview:
    try:
        renderer = Renderer(mail, rendering_of(mail), settings.PUBLIC_URL)
        rendered = renderer.render(0, READER, personal)
    except (Unrenderable, TextTooLong) as error:
        return TemplatePreview(problems=[Problem("", f"{error}")])
    parts = [Part(type, text) for type, text in zip(renderer.types, rendered.texts, strict=True) if text]
    return TemplatePreview(rendered.subject, sorted(parts, key=lambda part: not part.is_html))


def _mail(template: Template, content: VersionContent) -> Mail:
    """Return a mail in memory that is made with the content, as a request would have it accepted."""
    return Mail(
        account=template.account,
        template=content,
        sender="sender@example.com",
        subject=EXAMPLE_SUBJECT,
        content=[] if template.is_dynamic else list(EXAMPLE_CONTENT),
        defaults=template.account.mail_defaults,
    )


def _personal(template: Template, data: Mapping[str, Any]) -> dict[str, Any]:
    if template.is_dynamic:
        return {"data": data}
    return {"substitutions": {key: value for key, value in data.items() if key and isinstance(value, str)}}
