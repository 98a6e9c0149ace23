"""The table of errors is complete: every error of the core has its answer in this API."""

from __future__ import annotations

from uuid import UUID

from api.http import BadBody
from api.sendgrid import errors
from api.sendgrid.contact_files.links import ANSWERS as LINK_ANSWERS
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Problem
from api.sendgrid.mail.views import ANSWERS as MAIL_ANSWERS
from api.sendgrid.urls import urlpatterns
from campaigns.errors import SenderProblem, WrongPart
from campaigns.readiness import Need
from campaigns.senders import REQUIRED
from foundation.errors import SluiceError
from tests.api.core_errors import codes_raised_by, core_errors, unreadable_bodies
from tests.examples import for_each, further


def tables() -> dict[str, errors.Answers]:
    """Return the tables of all views."""
    views = {getattr(pattern.callback, "view_class", None) for pattern in urlpatterns}
    of_views = {
        f"{view.__module__}.{view.__name__}": view.answers for view in views if issubclass(view or object, Endpoint)
    }
    return {"mail/send": MAIL_ANSWERS, "links to files": LINK_ANSWERS, "any other": {}, **of_views}


def example_of(kind: type[SluiceError]) -> SluiceError:
    """Make an error of this class that names something, without calling its constructor."""
    error = kind.__new__(kind)
    SluiceError.__init__(error)
    error.__dict__ |= {
        "scopes": ["mail.send"],
        "ids": (7,),
        "url": "ftp://example.com",
        "public_id": UUID(int=7),
        "missing": tuple(Need),
        "fields": ("sender", "lists", "segments", "suppression_group"),
        "wrong": tuple(WrongPart(part, problem) for part in REQUIRED for problem in SenderProblem),
    }
    return error


def test_there_are_core_errors_to_walk() -> None:
    assert {"unknown_batch", "unknown_key"} <= {each.code for each in core_errors()}


def test_every_view_answers_every_core_error(step: int) -> None:
    examples = [(kind, example_of(kind)) for kind in core_errors()]
    for name, answers in list(tables().items())[::step]:
        for kind, error in examples:
            # All methods without a separate row have the answer of GET.
            for method in {"GET", *(key.partition(" ")[0] for key in {**errors.COMMON, **answers} if " " in key)}:
                refusal = errors.answer_for(error, answers, method=method)
                assert refusal is not None, (name, kind)
                assert 400 <= refusal.status < 500, (name, kind)
                for problem in refusal.problems:
                    assert problem.message, (name, kind)
                    assert "{" not in problem.message, (name, kind)
                    assert problem.error_id == kind.code, (name, kind)


BY_THEIR_TEXT = {
    "invalid_name",
    "name_taken",
    "unusable_columns",
    "invalid_contact",
    "invalid_condition",
    "invalid_query",
    "invalid_activity_query",
    "invalid_setting",
    "invalid_template",
} | {*("unfit_character", "inexpressible", "invalid_message_id", "invalid_reply_to", "incomplete_oauth")}
"""Errors whose own text and field are the answer."""
NOT_RAISED = {
    # No pause of this API has an end, no content is Markdown, and inputs bound the contacts of a request.
    *("pause_is_over", "foreign_content", "too_many_contacts"),
    # A campaign's batch is stopped from whatever status it has; a query for an unknown campaign finds nothing.
    *("status_conflict", "unknown_campaign"),
    # Tests and verification mail have no headers, batches or groups of a caller, and upserts name no lists.
    *("reserved_header", "unknown_batch", "unknown_group", "unknown_groups_to_display", "unknown_list"),
}
"""Errors that functions of the core can raise, but not for these calls."""


@further
def test_every_error_that_a_call_can_raise_has_a_row() -> None:
    views = {getattr(pattern.callback, "view_class", None) for pattern in urlpatterns}
    without_row = set[str]()
    for view in views:
        if view and issubclass(view, Endpoint):
            rows = {key.rpartition(" ")[2] for key in {**errors.COMMON, **view.answers}}
            for method in view.scopes:
                without_row |= codes_raised_by(getattr(view, method.lower()), view) - rows
    assert without_row - BY_THEIR_TEXT == NOT_RAISED


def test_a_new_core_error_needs_no_row() -> None:
    class BrandNew(SluiceError):
        code = "brand_new"

    refusal = errors.answer_for(BrandNew("the reason", field="place"))
    assert refusal is not None
    assert (refusal.status, refusal.problems) == (400, (Problem("the reason", "place", error_id="brand_new"),))


def test_every_row_is_for_an_error_of_the_core_and_a_method_of_the_view() -> None:
    codes = {each.code for each in core_errors()}
    for name, answers in {**tables(), "all": errors.COMMON}.items():
        for key in answers:
            method, _, code = key.rpartition(" ")
            assert code in codes, (name, key)
            assert method in ("", "POST", "PUT", "PATCH", "DELETE"), (name, key)


@for_each("kind", unreadable_bodies(), ids=lambda kind: kind.__name__)
def test_every_unreadable_body_has_an_answer(kind: type[BadBody]) -> None:
    refusal = errors.answer_for(kind())
    assert refusal is not None
    assert 400 <= refusal.status < 500


def test_an_error_that_is_not_the_core_s_is_a_fault_of_ours() -> None:
    assert errors.answer_for(RuntimeError()) is None
