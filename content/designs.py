"""Create, find, change, duplicate and delete designs, and prepare their content for sending."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Final, NamedTuple, TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Account
from content.css import inline_css
from content.errors import DesignLimitReached, UnknownDesign
from content.limits import DESIGN_SUBJECT_LENGTH, DESIGNS, NAME_LENGTH, check_content, check_name, check_subject
from content.models import Design
from foundation.clock import Now
from foundation.locks import lock_account
from foundation.postgresql import AdvisoryLock
from foundation.texts import check_line

TEXTS: Final = ("html_content", "plain_content")


class DesignFields(TypedDict, total=False):
    """The values of a new design, or those that change.

    If `generates_plain` is true (the default) and the design has HTML, its plain text is made from the HTML, and
    `plain_content` has no effect.
    """

    name: str
    subject: str
    html_content: str
    plain_content: str
    generates_plain: bool
    editor: str
    categories: list[str]


class DesignContent(NamedTuple):
    """The content of a design as it is sent: with its CSS inlined."""

    subject: str
    html: str
    plain: str
    generates_plain: bool
    editor: str


PlainTextOf = Callable[[str], str]
"""A function that makes a plain text from HTML."""


def create_design(account: Account, *, plain_text_of: PlainTextOf, **fields: Unpack[DesignFields]) -> Design:
    """Create a design. Raises InvalidTemplate, UnfitCharacter and DesignLimitReached."""
    design = Design(account=account)
    _change(design, fields, plain_text_of)
    check_name(design.name)
    return _store(design)


def list_designs(account: Account, *, with_texts: bool = False) -> QuerySet[Design]:
    """Return the account's designs, the newest first."""
    designs = Design.objects.filter(account=account).order_by("-pk")
    return designs if with_texts else designs.defer(*TEXTS)


def find_design(account: Account, design_id: uuid.UUID) -> Design:
    """Return a design of the account. Raises UnknownDesign."""
    design = list_designs(account, with_texts=True).filter(uuid=design_id).first()
    if design is None:
        raise UnknownDesign(field="design_id")
    return design


def change_design(
    account: Account, design_id: uuid.UUID, *, plain_text_of: PlainTextOf, **fields: Unpack[DesignFields]
) -> Design:
    """Change the given fields. Campaigns that have a copy of the content keep it.

    Raises UnknownDesign, InvalidTemplate and UnfitCharacter.
    """
    with transaction.atomic():
        rows = list_designs(account, with_texts=True).select_for_update().filter(uuid=design_id)
        design = rows.first()
        if design is None:
            raise UnknownDesign(field="design_id")
        _change(design, fields, plain_text_of)
        design.save()
        rows.update(updated_at=Now())
    return find_design(account, design_id)


def duplicate_design(account: Account, design_id: uuid.UUID, *, name: str | None = None, editor: str = "") -> Design:
    """Copy a design. Raises UnknownDesign, InvalidTemplate, UnfitCharacter and DesignLimitReached."""
    copy = find_design(account, design_id)
    copy.name = name if name is not None else f"Duplicate: {copy.name}"[:NAME_LENGTH]
    check_name(copy.name)
    copy.pk, copy.uuid, copy.editor = None, uuid.uuid4(), editor or copy.editor
    copy.created_at = copy.updated_at = Now()
    return _store(copy)


def delete_design(account: Account, design_id: uuid.UUID) -> None:
    """Delete a design. Campaigns keep their copies of its content. Raises UnknownDesign."""
    if not list_designs(account).filter(uuid=design_id).delete()[0]:
        raise UnknownDesign(field="design_id")


def prepare_content(account: Account, design_id: uuid.UUID) -> DesignContent:
    """Return the content of a design for a campaign. Raises UnknownDesign, and InvalidTemplate for unfit CSS."""
    design = find_design(account, design_id)
    html = inline_css(design.html_content)
    return DesignContent(design.subject, html, design.plain_content, design.generates_plain, design.editor)


def _store(design: Design) -> Design:
    """Store a new design, unless the account has too many. Concurrent calls wait for each other."""
    with transaction.atomic():
        lock_account(AdvisoryLock.TEMPLATES_LIMIT, design.account_id)
        if list_designs(design.account).count() >= DESIGNS:
            raise DesignLimitReached
        design.save(force_insert=True)
    design.refresh_from_db()
    return design


def _change(design: Design, fields: DesignFields, plain_text_of: PlainTextOf) -> None:
    for name, value in fields.items():
        setattr(design, name, value)
    if "name" in fields:
        check_name(design.name)
    check_subject(design.subject, longest=DESIGN_SUBJECT_LENGTH)
    for number, category in enumerate(design.categories):
        check_line(category, field=f"categories.{number}")
    check_content(design.html_content, field="html_content")
    if design.generates_plain and design.html_content.strip():
        design.plain_content = plain_text_of(design.html_content)
    check_content(design.plain_content, field="plain_content")
