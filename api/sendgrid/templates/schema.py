"""Describe the calls of `templates/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, TEXT, Piece, Reply, component, list_of, nullable, one_of, record
from api.sendgrid.templates.inputs import GENERATIONS, HIGHEST_PAGE
from api.sendgrid.values import CONTENT_BYTES, EDITORS, TITLE_LENGTH
from api.sendgrid.words import EDITOR_ONLY, PAGE_TOKEN, REPEATABLE, UUID, marketing_call
from api.without_effect import WithoutEffect
from content.limits import SUBJECT_LENGTH

TEMPLATES = "SendGrid: templates"
NAME: Piece = {**TEXT, "minLength": 1, "maxLength": TITLE_LENGTH}
GENERATION = one_of(GENERATIONS)
ACTIVE: Piece = {
    "type": "integer",
    "enum": [0, 1],
    "description": "1 for the active version, with which mail is made; 0 for the others.",
}
CONTENT: Piece = {**TEXT, "maxLength": CONTENT_BYTES}
SHOWN: dict[str, Piece] = {
    "id": UUID,
    "template_id": TEXT,
    "active": ACTIVE,
    "name": TEXT,
    "html_content": TEXT,
    "plain_content": TEXT,
    "generate_plain_content": FLAG,
    "subject": TEXT,
    "updated_at": TEXT,
    "editor": one_of(EDITORS),
    "thumbnail_url": {**TEXT, "description": "Always empty."},
}
WRITABLE: dict[str, Piece] = {
    "name": NAME,
    "subject": {**TEXT, "maxLength": SUBJECT_LENGTH},
    "html_content": CONTENT,
    "plain_content": CONTENT,
    "generate_plain_content": {
        **FLAG,
        "description": "Whether the plain text is made from the HTML. Then a plain text in the request is ignored.",
    },
    "active": ACTIVE,
    "editor": one_of(EDITORS),
    "test_data": {**TEXT, "description": "A JSON object as a text. Its values fill in previews and test mail."},
}
LINE: Piece = record(**SHOWN)
COMPONENTS: dict[str, Piece] = {
    "TemplateVersionLine": {
        **LINE,
        "required": [name for name in LINE["required"] if name not in {"html_content", "plain_content"}],
        "description": "The contents are missing in lists, and in a template whose contents are large.",
    },
    "TemplateVersion": record(**SHOWN, test_data=TEXT, warnings=list_of(record(message=TEXT))),
    "Template": record(
        id=TEXT,
        name=TEXT,
        generation=GENERATION,
        updated_at={**TEXT, "example": "2030-01-31 08:30:00"},
        versions=list_of(component("TemplateVersionLine")),
    ),
    "NewTemplate": {
        "type": "object",
        "properties": {"name": NAME, "generation": {**GENERATION, "default": "legacy"}},
        "required": ["name"],
    },
    "NewTemplateVersion": {"type": "object", "properties": WRITABLE, "required": ["name", "subject"]},
    "TemplateVersionChange": {"type": "object", "properties": WRITABLE},
}
WITHOUT_EFFECT: Final = (
    WithoutEffect(("create_template_version", "change_template_version"), ("editor",), EDITOR_ONLY, is_kept=True),
)

WHICH = [
    OpenApiParameter(
        "generations", TEXT, description="`legacy`, `dynamic` or `legacy,dynamic`. The default is `legacy`."
    ),
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": HIGHEST_PAGE},
        description="The largest number of entries. Without it, all templates are listed in `templates`.",
    ),
    PAGE_TOKEN,
]
LIST: Piece = {
    "type": "object",
    "properties": {
        "result": list_of(component("Template")),
        "_metadata": component("PageMetadata"),
        "templates": list_of(component("Template")),
    },
}
VERSION = component("TemplateVersion")

templates = extend_schema_view(
    get=marketing_call(
        "list_templates",
        "List the account's templates, the newest first",
        tag=TEMPLATES,
        query=WHICH,
        replies={200: Reply("A page of the list, or all templates.", LIST)},
        refusals=[400],
    ),
    post=marketing_call(
        "create_template",
        "Create a template without versions",
        tag=TEMPLATES,
        body=component("NewTemplate"),
        replies={201: Reply("The new template.", component("Template"))},
        refusals=REPEATABLE,
    ),
)
one_template = extend_schema_view(
    get=marketing_call(
        "get_template",
        "Get a template with its versions",
        tag=TEMPLATES,
        replies={200: Reply("The template.", component("Template"))},
        refusals=[404],
    ),
    post=marketing_call(
        "duplicate_template",
        "Copy a template with its versions",
        tag=TEMPLATES,
        body={"type": "object", "properties": {"name": nullable({**TEXT, "maxLength": TITLE_LENGTH})}},
        replies={201: Reply("The copy.", component("Template"))},
        refusals=[*REPEATABLE, 404],
    ),
    patch=marketing_call(
        "rename_template",
        "Rename a template",
        tag=TEMPLATES,
        body=record(name=NAME),
        replies={200: Reply("The renamed template.", component("Template"))},
        refusals=[404],
    ),
    delete=marketing_call(
        "delete_template",
        "Delete a template with its versions; mail that was accepted keeps its content",
        tag=TEMPLATES,
        replies={204: Reply("The template is deleted.")},
        refusals=[404],
    ),
)
versions = extend_schema_view(
    post=marketing_call(
        "create_template_version",
        "Create a version of a template; the first one is active at once",
        tag=TEMPLATES,
        body=component("NewTemplateVersion"),
        replies={201: Reply("The new version.", VERSION)},
        refusals=[*REPEATABLE, 404],
    ),
)
one_version = extend_schema_view(
    get=marketing_call(
        "get_template_version",
        "Get a version of a template",
        tag=TEMPLATES,
        replies={200: Reply("The version.", VERSION)},
        refusals=[404],
    ),
    patch=marketing_call(
        "change_template_version",
        "Change the given fields of a version; mail that was accepted keeps the old content",
        tag=TEMPLATES,
        body=component("TemplateVersionChange"),
        replies={200: Reply("The changed version.", VERSION)},
        refusals=[404],
    ),
    delete=marketing_call(
        "delete_template_version",
        "Delete a version of a template; mail that was accepted keeps its content",
        tag=TEMPLATES,
        replies={204: Reply("The version is deleted.")},
        refusals=[404],
    ),
)
activation = extend_schema_view(
    post=marketing_call(
        "activate_template_version",
        "Make a version the active one of its template",
        tag=TEMPLATES,
        replies={200: Reply("The active version.", VERSION)},
        refusals=[*REPEATABLE, 404],
    ),
)
