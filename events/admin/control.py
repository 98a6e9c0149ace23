"""Enable, disable or replay an endpoint, after a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from batches.admin.asking import REFUSALS, Question, TimeField, confirm, require
from events.errors import UnknownEndpoint
from events.models import Endpoint
from events.webhooks.editing import Changes, change_endpoint, enable_again
from events.webhooks.rewind import replay_since
from foundation.admin import write_time

MAY_SEE, MAY_CHANGE = "events.view_endpoint", "events.change_endpoint"
REFUSALS[UnknownEndpoint] = "the endpoint no longer exists"


@dataclass(frozen=True, slots=True)
class Button:
    """A button of an endpoint. `name` is the end of its address."""

    name: str
    title: str
    icon: str
    variant: str
    carry: Callable[[Endpoint], object]
    consequences: tuple[str, ...]
    done: str


ENABLE: Final = Button(
    "enable",
    "Enable",
    "play_arrow",
    "primary",
    enable_again,
    (
        "It gets the events since it was disabled, unless they are older than the kept history.",
        "What failed before is tried at once.",
    ),
    "The endpoint is enabled.",
)
TRY_AGAIN: Final = Button(
    "try-again",
    "Try again now",
    "replay",
    "primary",
    enable_again,
    ("What failed before is tried at once.", "If it fails again, the next attempt is some seconds later."),
    "The endpoint is tried again.",
)
DISABLE: Final = Button(
    "disable",
    "Disable",
    "block",
    "danger",
    lambda endpoint: change_endpoint(endpoint, Changes(is_enabled=False)),
    (
        "No further attempt is made. An attempt that is under way is not cut off.",
        "When it is enabled, it continues where it was.",
    ),
    "The endpoint is disabled.",
)
BUTTONS: Final = (ENABLE, TRY_AGAIN, DISABLE)


class SinceForm(forms.Form):
    """Ask for a time, in UTC like all times here."""

    since = TimeField(label="Since (UTC)")


def fitting(endpoint: Endpoint) -> list[Button]:
    """Return the buttons that have an effect in the state of the endpoint."""
    if not endpoint.is_enabled:
        return [ENABLE]
    return [TRY_AGAIN, DISABLE] if endpoint.failing_since else [DISABLE]


def buttons_of(request: HttpRequest, endpoint: Endpoint) -> list[tuple[str, str, str]]:
    """Return the buttons of an endpoint, as title, address and icon."""
    if not request.user.has_perms([MAY_SEE, MAY_CHANGE]):
        return []
    buttons = [(button.title, button.name, button.icon) for button in fitting(endpoint)]
    return [
        (title, reverse(f"admin:events_endpoint_{name}", args=[endpoint.pk]), icon)
        for title, name, icon in (*buttons, ("Replay", "replay", "history"))
    ]


def control_endpoint(
    request: HttpRequest, endpoint_id: int, *, button: Button, log: Callable[[HttpRequest, Endpoint, str], object]
) -> HttpResponse:
    """Ask for confirmation, and on POST do what the button says. `log` notes the change for the page Activity."""
    require(request, MAY_SEE, MAY_CHANGE)
    endpoint = get_object_or_404(Endpoint.objects.select_related("account"), pk=endpoint_id)
    back = reverse("admin:events_endpoint_change", args=[endpoint.pk])

    def carry(actor: str, fields: dict[str, Any]) -> HttpResponse:
        button.carry(endpoint)
        log(request, endpoint, button.done)
        messages.success(request, button.done)
        return HttpResponseRedirect(back)

    return confirm(
        request,
        forms.Form(request.POST if request.method == "POST" else None),
        lambda: Question(
            title=f"{button.title}: an endpoint of webhooks",
            text=f"{button.title} this endpoint of {endpoint.account}?",
            named=f"“{endpoint.shown_url}”",
            consequences=button.consequences,
            button=button.title,
            icon=button.icon,
            variant=button.variant,
        ),
        carry,
        back=back,
        model=Endpoint,
        first=lambda: "" if button in fitting(endpoint) else "Nothing was changed: somebody else was faster.",
    )


def replay_endpoint(
    request: HttpRequest, endpoint_id: int, *, log: Callable[[HttpRequest, Endpoint, str], object]
) -> HttpResponse:
    """Ask for a time, and on POST let the endpoint get again everything since then."""
    require(request, MAY_SEE, MAY_CHANGE)
    endpoint = get_object_or_404(Endpoint.objects.select_related("account"), pk=endpoint_id)
    back = reverse("admin:events_endpoint_change", args=[endpoint.pk])

    def carry(actor: str, answers: dict[str, Any]) -> HttpResponse:
        since = answers["since"]
        if replay_since(endpoint, since):
            log(request, endpoint, f"Replayed since {write_time(since)} UTC.")
            messages.success(request, f"Everything since {write_time(since)} UTC is delivered again.")
        else:
            messages.warning(request, "Nothing was changed: nothing that was delivered has happened since then.")
        return HttpResponseRedirect(back)

    return confirm(
        request,
        SinceForm(request.POST or None),
        lambda: Question(
            title="Replay: an endpoint of webhooks",
            text=f"Deliver everything since a time to this endpoint of {endpoint.account} again?",
            named=f"“{endpoint.shown_url}”",
            consequences=[
                "The receiver gets all events since then a second time, with the ids that they had.",
                "Newer events follow them, so they arrive later.",
            ],
            button="Replay",
            icon="history",
        ),
        carry,
        back=back,
        model=Endpoint,
    )
