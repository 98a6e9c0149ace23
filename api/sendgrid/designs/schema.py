"""Describe the calls of `designs/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, TEXT, TIME, Piece, Reply, component, list_of, nullable, one_of, record
from api.sendgrid import values
from api.sendgrid.designs.inputs import PAGE, WHOLE_PAGE
from api.sendgrid.words import EDITOR_ONLY, PAGE_TOKEN, REPEATABLE, UUID, marketing_call, page_size
from api.without_effect import WithoutEffect
from content.limits import DESIGN_SUBJECT_LENGTH

DESIGNS = "SendGrid: designs"
NAME: Piece = {**TEXT, "minLength": 1, "maxLength": values.TITLE_LENGTH}
EDITOR = one_of(values.EDITORS)
SHOWN: dict[str, Piece] = {
    "id": UUID,
    "name": TEXT,
    "generate_plain_content": FLAG,
    "thumbnail_url": {**TEXT, "description": "Always empty."},
    "subject": TEXT,
    "created_at": TIME,
    "updated_at": TIME,
    "editor": EDITOR,
    "categories": list_of(TEXT),
}
WRITABLE: dict[str, Piece] = {
    "name": NAME,
    "subject": {**TEXT, "maxLength": DESIGN_SUBJECT_LENGTH},
    "html_content": {**TEXT, "maxLength": values.CONTENT_BYTES},
    "plain_content": {**TEXT, "maxLength": values.CONTENT_BYTES},
    "generate_plain_content": {
        **FLAG,
        "description": "Whether the plain text is made from the HTML. Then a plain text in the request is ignored.",
    },
    "editor": EDITOR,
    "categories": {**list_of(TEXT), "maxItems": values.MAX_CATEGORIES, "uniqueItems": True},
}
COPY: Piece = {"type": "object", "properties": {"name": nullable(NAME), "editor": nullable(EDITOR)}}
LINE: Piece = record(**SHOWN)
COMPONENTS: dict[str, Piece] = {
    "Design": record(**SHOWN, html_content=TEXT, plain_content=TEXT),
    "DesignLine": {
        **LINE,
        "properties": {**SHOWN, "html_content": TEXT, "plain_content": TEXT},
        "description": "The contents are shown only if `summary` is false.",
    },
    "NewDesign": {"type": "object", "properties": WRITABLE, "required": ["html_content"]},
    "DesignChange": {"type": "object", "properties": WRITABLE},
    "DesignCopy": COPY,
}
WRITING: Final = ("create_design", "change_design")
WITHOUT_EFFECT: Final = (
    WithoutEffect(WRITING, ("editor",), EDITOR_ONLY, is_kept=True),
    WithoutEffect(WRITING, ("categories",), "A Single Send has its own categories.", is_kept=True),
    WithoutEffect(("duplicate_design",), ("editor",), EDITOR_ONLY, is_kept=True),
)

QUERY = [
    page_size(PAGE, PAGE),
    PAGE_TOKEN,
    OpenApiParameter(
        "summary",
        {**FLAG, "default": True},
        description=f"Whether to leave out the contents. With `false`, a page has at most {WHOLE_PAGE} designs.",
    ),
]
LIST = record(result=list_of(component("DesignLine")), _metadata=component("PageMetadata"))

designs = extend_schema_view(
    get=marketing_call(
        "list_designs",
        "List the account's designs, the newest first",
        tag=DESIGNS,
        query=QUERY,
        replies={200: Reply("A page of the list.", LIST)},
        refusals=[400],
    ),
    post=marketing_call(
        "create_design",
        "Create a design",
        tag=DESIGNS,
        body=component("NewDesign"),
        replies={201: Reply("The new design.", component("Design"))},
        refusals=REPEATABLE,
    ),
)
one_design = extend_schema_view(
    get=marketing_call(
        "get_design",
        "Get a design with its content as it was saved",
        tag=DESIGNS,
        replies={200: Reply("The design.", component("Design"))},
        refusals=[404],
    ),
    post=marketing_call(
        "duplicate_design",
        "Copy a design",
        tag=DESIGNS,
        body=component("DesignCopy"),
        replies={201: Reply("The copy.", component("Design"))},
        refusals=[*REPEATABLE, 404],
    ),
    patch=marketing_call(
        "change_design",
        "Change the given fields of a design; Single Sends keep the content that they have",
        tag=DESIGNS,
        body=component("DesignChange"),
        replies={200: Reply("The changed design.", component("Design"))},
        refusals=[404],
    ),
    delete=marketing_call(
        "delete_design",
        "Delete a design; Single Sends keep the content that they have",
        tag=DESIGNS,
        replies={204: Reply("The design is deleted.")},
        refusals=[404],
    ),
)
pre_built_designs = extend_schema_view(
    get=marketing_call(
        "list_pre_built_designs",
        "List the pre-built designs; the list is always empty",
        tag=DESIGNS,
        query=QUERY,
        replies={200: Reply("An empty list.", LIST)},
        refusals=[400],
    ),
)
one_pre_built_design = extend_schema_view(
    get=marketing_call(
        "get_pre_built_design",
        "Get a pre-built design; the response is always 404",
        tag=DESIGNS,
        replies={},
        refusals=[404],
    ),
    post=marketing_call(
        "duplicate_pre_built_design",
        "Copy a pre-built design; the response is always 404",
        tag=DESIGNS,
        replies={},
        refusals=[*REPEATABLE, 404],
    ),
)
