"""Write templates and their versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from content.models import Template, TemplateVersion, VersionContent
from content.settings import BODY_TAG
from mailer.compose.source import SUBJECT


def template(row: Template) -> dict[str, Any]:
    """Return a template with its versions. Its versions were read with it."""
    return {
        "id": row.public_id,
        "name": row.name,
        "generation": "dynamic" if row.is_dynamic else "legacy",
        "updated_at": clock_text(row.updated_at),
        "versions": [line(each, row) for each in row.versions.all()],
    }


def line(row: TemplateVersion, its_template: Template) -> dict[str, Any]:
    """Return a version as an entry of its template. It has the texts that were read."""
    texts = {} if row.content.get_deferred_fields() else texts_of(row.content)
    return {
        "id": str(row.uuid),
        "template_id": its_template.public_id,
        "active": int(row.is_active),
        "name": row.name,
        **texts,
        "generate_plain_content": row.generates_plain,
        "subject": row.content.subject,
        "updated_at": clock_text(row.updated_at),
        "editor": row.editor,
        # There are no pictures of versions.
        "thumbnail_url": "",
    }


def texts_of(content: VersionContent) -> dict[str, str]:
    return {"html_content": content.html, "plain_content": content.plain}


def version(row: TemplateVersion) -> dict[str, Any]:
    """Return a whole version."""
    warnings = [{"message": message} for message in warnings_of(row)]
    return {**line(row, row.template), "test_data": row.test_data, "warnings": warnings}


def warnings_of(row: TemplateVersion) -> Iterator[str]:
    """Yield what a legacy version leaves out of the mail that is sent with it."""
    if row.template.is_dynamic:
        return
    if row.content.subject.strip() and not SUBJECT.search(row.content.subject):
        yield "The subject has no <%subject%>, so the subject of a message is not used."
    for name, text in texts_of(row.content).items():
        if text.strip() and not BODY_TAG.search(text):
            yield f"{name} has no <%body%>, so the content of a message is not used."


def clock_text(at: dt.datetime) -> str:
    """Return a time in UTC, such as `2030-01-31 08:30:00`."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
