"""Handle the buttons of templates, of their versions, and of designs: ask for confirmation, and make the move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.admin.asking import Question, confirm, require
from content.designs import duplicate_design
from content.limits import NAME_LENGTH
from content.models import Design, Template, TemplateVersion
from content.templates import duplicate_template
from content.versions import activate_version, change_version, create_version
from mailer.admin.addresses import AddressesForm, check_email
from mailer.draft import Address
from mailer.template_rules import RULES
from mailer.template_testing import send_template_test

Row = TypeVar("Row", bound=Model)
Outcome = tuple[str, str]
"""The sentence that is shown afterwards, and the address of the page that shows it."""


@dataclass(frozen=True, slots=True)
class Move(Generic[Row]):
    """A button. `name` is its part of the URL, and `icon` a Material Symbol."""

    name: str
    title: str
    icon: str
    permission: str
    carry: Callable[[Row, dict[str, Any]], Outcome]
    consequences: Sequence[str]
    form: type[forms.Form] = forms.Form
    is_possible: Callable[[Row], bool] = lambda row: True


def ask(move: Move[Any]) -> str:
    """Return the first words of the question of a move."""
    return f"{move.title}:" if " " in move.title else move.title


def links_of(request: HttpRequest, moves: Sequence[Move[Row]], row: Row) -> list[tuple[Move[Row], str]]:
    """Return the moves that the operator may make, each with the address of its confirmation page."""
    return [
        (move, reverse(f"admin:{_url_name(type(row), move)}", args=[row.pk]))
        for move in moves
        if request.user.has_perm(move.permission) and move.is_possible(row)
    ]


def paths_of(
    site: AdminSite, model: type[Row], moves: Sequence[Move[Row]], control: Callable[..., HttpResponse]
) -> list[URLPattern]:
    """Return the URLs of the confirmation pages of moves, which `control` answers."""
    return [
        path(f"<int:pk>/{move.name}/", site.admin_view(partial(control, move=move)), name=_url_name(model, move))
        for move in moves
    ]


def _url_name(model: type[Model], move: Move[Any]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}_{move.name}"


def link_template(template_id: int) -> str:
    """Return the address of the page of a template."""
    return reverse("admin:content_template_change", args=[template_id])


def link_version(version_id: int) -> str:
    """Return the address of the page of a version."""
    return reverse("admin:content_templateversion_change", args=[version_id])


# --- moves of templates -----------------------------------------------------------------------------------------------


def _duplicate_template(template: Template, fields: dict[str, Any]) -> Outcome:
    copy = duplicate_template(template.account, template.public_id)
    return f"The template was duplicated as “{copy.name}”.", link_template(copy.pk)


TEMPLATE_MOVES: Sequence[Move[Template]] = (
    Move(
        "duplicate",
        "Duplicate",
        "content_copy",
        "content.add_template",
        _duplicate_template,
        ["The copy has the same versions, and the same one is active. It has another id."],
    ),
)


def control_template(request: HttpRequest, pk: int, move: Move[Template]) -> HttpResponse:
    """Ask for confirmation, and on POST make the move."""
    require(request, "content.view_template", move.permission)
    template = get_object_or_404(Template.objects.select_related("account"), pk=pk)
    text = f"{ask(move)} the template “{template.name}” of {template.account}?"
    return _ask(request, move, template, text, back=link_template(template.pk))


# --- moves of versions ------------------------------------------------------------------------------------------------


class TestForm(AddressesForm):
    """Ask for the sender and the recipients of a test mail."""

    sender = forms.CharField(
        label="From",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "news@example.com"}),
        validators=[check_email],
    )
    field_order = ("sender", "to")


def _activate(version: TemplateVersion, fields: dict[str, Any]) -> Outcome:
    template = version.template
    activate_version(template.account, template.public_id, version.uuid)
    return f"The version “{version.name}” is active.", link_template(template.pk)


def _deactivate(version: TemplateVersion, fields: dict[str, Any]) -> Outcome:
    template = version.template
    change_version(template.account, template.public_id, version.uuid, rules=RULES, is_active=False)
    return "The template has no active version.", link_template(template.pk)


def _duplicate_version(version: TemplateVersion, fields: dict[str, Any]) -> Outcome:
    template, content = version.template, version.content
    copy = create_version(
        template.account,
        template.public_id,
        rules=RULES,
        name=f"Copy of {version.name}"[:NAME_LENGTH],
        subject=content.subject,
        html_content=content.html,
        plain_content=content.plain,
        generates_plain=version.generates_plain,
        editor=version.editor,
        test_data=version.test_data,
    )
    return f"The version was duplicated as “{copy.name}”.", link_version(copy.pk)


def _test(version: TemplateVersion, fields: dict[str, Any]) -> Outcome:
    addresses: list[str] = fields["to"]
    send_template_test(version.template.account, version, addresses, sender=Address(fields["sender"]))
    return f"“{version.name}” is being sent to {', '.join(addresses)} as a test.", link_version(version.pk)


VERSION_MOVES: Sequence[Move[TemplateVersion]] = (
    Move(
        "activate",
        "Activate",
        "check_circle",
        "content.change_templateversion",
        _activate,
        [
            "Mail that is accepted after this is made with this version.",
            "Mail that was accepted before keeps its version, also if it is scheduled.",
        ],
        is_possible=lambda version: not version.is_active,
    ),
    Move(
        "deactivate",
        "Deactivate",
        "block",
        "content.change_templateversion",
        _deactivate,
        [
            "The template then has no active version: requests that name it are refused.",
            "Mail that was accepted before keeps its version.",
        ],
        is_possible=lambda version: version.is_active,
    ),
    Move(
        "duplicate",
        "Duplicate",
        "content_copy",
        "content.add_templateversion",
        _duplicate_version,
        ["The copy has the same content and test data, and is not active."],
    ),
    Move(
        "test",
        "Send a test",
        "outgoing_mail",
        "content.change_templateversion",
        _test,
        [
            "The version is sent as it is stored, filled with its test data.",
            "It goes to suppressed addresses, too.",
        ],
        TestForm,
        is_possible=lambda version: version.template.is_dynamic,
    ),
)


def control_version(request: HttpRequest, pk: int, move: Move[TemplateVersion]) -> HttpResponse:
    """Ask for confirmation, and on POST make the move."""
    require(request, "content.view_templateversion", move.permission)
    versions = TemplateVersion.objects.select_related("template__account", "content")
    version = get_object_or_404(versions, pk=pk)
    text = f"{ask(move)} the version “{version.name}” of the template “{version.template.name}”?"
    return _ask(request, move, version, text, back=link_version(version.pk))


# --- moves of designs -------------------------------------------------------------------------------------------------


def _duplicate_design(design: Design, fields: dict[str, Any]) -> Outcome:
    copy = duplicate_design(design.account, design.uuid)
    page = reverse("admin:content_design_change", args=[copy.pk])
    return f"The design was duplicated as “{copy.name}”.", page


DESIGN_MOVES: Sequence[Move[Design]] = (
    Move(
        "duplicate",
        "Duplicate",
        "content_copy",
        "content.add_design",
        _duplicate_design,
        ["The copy has the same content."],
    ),
)


def control_design(request: HttpRequest, pk: int, move: Move[Design]) -> HttpResponse:
    """Ask for confirmation, and on POST make the move."""
    require(request, "content.view_design", move.permission)
    design = get_object_or_404(Design.objects.select_related("account"), pk=pk)
    text = f"{ask(move)} the design “{design.name}” of {design.account}?"
    return _ask(request, move, design, text, back=reverse("admin:content_design_change", args=[design.pk]))


def _ask(request: HttpRequest, move: Move[Row], row: Row, text: str, *, back: str) -> HttpResponse:
    def carry(actor: str, fields: dict[str, Any]) -> HttpResponse:
        sentence, page = move.carry(row, fields)
        messages.success(request, sentence)
        return HttpResponseRedirect(page)

    return confirm(
        request,
        move.form(request.POST if request.method == "POST" else None),
        lambda: Question(
            title=move.title, text=text, consequences=move.consequences, button=move.title, icon=move.icon
        ),
        carry,
        back=back,
        model=type(row),
        first=lambda: "" if move.is_possible(row) else f"{move.title} is not possible any more. Nothing was changed.",
    )
