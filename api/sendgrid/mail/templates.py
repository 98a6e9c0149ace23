"""Complete a mail/send request with its template, whose active version is fixed when the mail is accepted."""

from __future__ import annotations

from dataclasses import replace

from accounts.models import Account
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.mail.rules import CONTENT_REQUIRED, SUBJECT_REQUIRED
from api.sendgrid.mail.texts import HELP_PAGE
from content.models import VersionContent
from content.templates import find_active_content
from mailer.draft import MailDraft


def with_template(account: Account, draft: MailDraft, template_id: str) -> MailDraft:
    """Return a draft with the content of the template that its request names.

    Raises UnknownTemplate and NoActiveVersion, and Refusal if the mail has no subject or no content in spite of it.
    """
    content = find_active_content(account, template_id)
    if missing := _missing(draft, content):
        text, field = missing
        raise Refusal(400, Problem(text, field, f"{HELP_PAGE}message.{field}"))
    return replace(draft, template=content.pk)


def _missing(draft: MailDraft, content: VersionContent) -> tuple[str, str] | None:
    """Return the text of the error and the field, if neither the mail nor its template has a subject or content."""
    has_subject = draft.subject or all(person.subject for person in draft.personalizations)
    if not content.subject.strip() and not has_subject:
        return SUBJECT_REQUIRED, "subject"
    if not (content.html or content.plain or draft.content):
        return CONTENT_REQUIRED, "content"
    return None
