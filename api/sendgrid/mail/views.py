"""Accept mail at POST mail/send.

mail/send is a plain function, because a single message costs little more than the framework around it. All other calls
are REST framework views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import RecalledKey
from accounts.models import Account, ApiKey
from api import idempotency
from api.caller import NoCredentials, ScopeMissing, UnknownCredentials, bearer_text, find_sender, recall_sender
from api.errors import ITS_OWN
from api.http import BadBody
from api.sendgrid import errors
from api.sendgrid.errors import Answer, Answers, Problem, Refusal
from api.sendgrid.mail.inputs import MailRequest, read_mail
from api.sendgrid.mail.templates import with_template
from api.sendgrid.mail.texts import HELP_PAGE
from api.sendgrid.outputs import json_response
from batches.handles import find_batch
from foundation.errors import SluiceError
from foundation.responses import accept_methods
from foundation.statements import check_connection
from mailer.compose.system_tags import find_draft_tags
from mailer.draft import MailDraft
from mailer.errors import UnknownGroup
from mailer.pipeline.accept import accept_mail, check_draft
from mailer.unresolved import Unresolved, find_unresolved

WARNING: Final = "X-Sluice-Warning"
LONGEST_WARNING: Final = 1000
"""The most characters of a warning."""

CALLER_REFUSALS: Final[Mapping[type[Exception], Refusal]] = {
    NoCredentials: Refusal(401, Problem("Permission denied, wrong credentials")),
    UnknownCredentials: Refusal(401, Problem("The provided authorization grant is invalid, expired, or revoked")),
    ScopeMissing: Refusal(401, Problem("Authenticated user is not authorized to send mail")),
}
"""The answers to a refused caller, where they differ from those of the other calls."""


def shown_ids(error: UnknownGroup) -> str:
    """Return the ids that an error names. A number in JSON may have thousands of digits."""
    return ", ".join(str(number)[:20] for number in error.ids)


def unknown_group(error: UnknownGroup) -> Refusal:
    """Answer a group of a mail that the account does not have."""
    text = f"The ASM group ID must be a valid Group ID on your account. You provided {shown_ids(error)}."
    return Refusal(400, Problem(text, "asm.group_id", HELP_PAGE + "message.asm.group_id"))


def unknown_groups_to_display(error: UnknownGroup) -> Refusal:
    """Answer groups to display that the account does not have."""
    text = f"All ASM groups to display must be valid ASM groups IDs on your account. You provided {shown_ids(error)}."
    return Refusal(400, Problem(text, "asm.groups_to_display", HELP_PAGE + "message.asm.groups_to_display"))


NO_TEMPLATE: Final = Answer(400, "template_id", "Must be a valid template.", HELP_PAGE + "message.template_id")

ANSWERS: Final[Answers] = {
    "unknown_batch": Answer(400, "batch_id", "invalid batch id", HELP_PAGE + "message.batch_id"),
    "unknown_group": unknown_group,
    "unknown_groups_to_display": unknown_groups_to_display,
    "unknown_template": NO_TEMPLATE,
    "no_active_version": NO_TEMPLATE,
    "reserved_header": Answer(400, ITS_OWN, "Header can not be one of the reserved keys: {error}."),
}


def accept(key: ApiKey, draft: MailDraft, *, is_recalled: bool = False) -> HttpResponse:
    """Accept a mail of the key's account and commit it.

    Return 202 without a body; the mail's id and the warnings are in headers.
    """
    # This comes before the commit. An error after it would make the caller send the mail again.
    tags = find_draft_tags(draft)
    unresolved = find_unresolved(key.account, draft, tags) if tags else []
    message_id = accept_mail(key.account, draft, key=key, is_recalled=is_recalled).public_id
    headers = {"X-Message-Id": message_id, "Content-Length": "0"}
    if unresolved:
        headers[WARNING] = warning_about(unresolved)
    return HttpResponse(status=202, content_type="text/plain; charset=utf-8", headers=headers)


def warning_about(unresolved: Sequence[Unresolved]) -> str:
    """Return the text of the warning about tags that are sent as written, in ASCII and cut to a bounded length."""
    tags = "; ".join([f"{' '.join(tag.split())} in {part}" for tag, part in unresolved[:LONGEST_WARNING]])
    text = f"sent as written: {tags}".encode("ascii", errors="replace").decode()
    return text if len(text) <= LONGEST_WARNING else f"{text[:LONGEST_WARNING]}..."


def sandboxed() -> HttpResponse:
    """Return the 200 of sandbox mode: the mail would have been accepted, and nothing was stored."""
    return HttpResponse(status=200, content_type="text/plain; charset=utf-8", headers={"Content-Length": "0"})


def refused(refusal: Refusal) -> HttpResponse:
    """Answer in the envelope of mail/send: message, field and help, in that order."""
    errors = [
        {"message": problem.message, "field": problem.field, "help": problem.help} for problem in refusal.problems
    ]
    return json_response(refusal.status, {"errors": errors})


@csrf_exempt
@accept_methods("POST", refuse=lambda: refused(errors.plain_refusal(405)))
def mail_send(request: HttpRequest) -> HttpResponse:
    """Answer POST /v3/mail/send. Mail belongs to the key's account: `On-Behalf-Of` has no effect."""
    try:
        return answer_mail(request)
    except Exception as error:
        refusal = CALLER_REFUSALS.get(type(error)) or errors.answer_for(
            error, ANSWERS, bad_json=errors.HTTP_ANSWERS[400]
        )
        if refusal is None:
            raise
        return refused(refusal)


def answer_mail(request: HttpRequest) -> HttpResponse:
    """Find the caller, read the mail and accept it. Raises the exceptions that `errors.answer_for` answers."""
    bearer = bearer_text(request)
    if bearer is None:
        raise NoCredentials
    is_repeatable = idempotency.HEADER in request.META
    # With an Idempotency-Key more than the statement that stores needs the key.
    recalled = None if is_repeatable else recall_sender(bearer)
    if recalled is not None:
        return answer_recalled(request, bearer, recalled)
    key = find_sender(bearer)
    if is_repeatable:
        repeatable = idempotency.identity_of(request, key.account)
        return idempotency.do_in_one_transaction(repeatable, lambda: send(key, read_mail(request, key.found_at)))
    return send(key, read_mail(request, key.found_at))


def answer_recalled(request: HttpRequest, bearer: str, recalled: RecalledKey) -> HttpResponse:
    """Answer a caller who sent mail a moment ago: the statement that stores the mail checks the key, too.

    That saves a round trip. If the mail is not simply stored, the key is looked up before anything is answered, since
    only its holder may learn what is wrong.
    """
    check_connection()
    wanted_mail: MailRequest | Exception
    try:
        wanted_mail = read_mail(request, recalled.now)
    except (errors.Refusal, BadBody) as error:
        wanted_mail = error
    if isinstance(wanted_mail, MailRequest) and not wanted_mail.is_sandboxed:
        with suppress(SluiceError, errors.Refusal):
            return accept(recalled.key, complete(recalled.key.account, wanted_mail), is_recalled=True)
    key = find_sender(bearer)
    if isinstance(wanted_mail, Exception):
        raise wanted_mail
    return send(key, wanted_mail)


def complete(account: Account, mail: MailRequest) -> MailDraft:
    """Return the draft of a request, with the content of its template if it names one."""
    return mail.draft if mail.template_id is None else with_template(account, mail.draft, mail.template_id)


def send(key: ApiKey, mail: MailRequest) -> HttpResponse:
    """Accept a mail of the key's account and commit it, or only check it in sandbox mode."""
    draft = complete(key.account, mail)
    if not mail.is_sandboxed:
        return accept(key, draft)
    check_draft(key.account, draft)
    if draft.batch_id is not None:
        find_batch(key.account, draft.batch_id)
    return sandboxed()


urlpatterns: list[URLPattern] = [
    re_path(r"^mail/send/?$", mail_send),
]
