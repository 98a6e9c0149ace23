"""Post a delivery again, after a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from batches.admin.asking import Question, confirm, require
from events.models import Delivery, DeliveryState
from events.webhooks.replay import replay_delivery

NEEDED = ("events.view_delivery", "events.change_endpoint")


def may_replay(request: HttpRequest, delivery: Delivery) -> bool:
    """Return whether the operator may post a delivery again, and this would do something."""
    is_replayable = delivery.state == DeliveryState.DELIVERED and delivery.endpoint.is_enabled
    return is_replayable and request.user.has_perms(NEEDED)


def replay(
    request: HttpRequest, delivery_id: int, *, log: Callable[[HttpRequest, Delivery, str], object]
) -> HttpResponse:
    """Ask for confirmation, and on POST post the delivery again. `log` notes it for the page Activity."""
    require(request, *NEEDED)
    delivery = get_object_or_404(Delivery.objects.select_related("endpoint__account"), pk=delivery_id)
    back = reverse("admin:events_delivery_change", args=[delivery.pk])

    def carry(actor: str, fields: dict[str, Any]) -> HttpResponse:
        answer = replay_delivery(delivery)
        log(request, delivery, "Posted again.")
        if answer.is_success:
            messages.success(request, "The receiver has accepted the delivery again.")
        else:
            messages.warning(request, f"The receiver has not accepted the delivery: {answer.error}.")
        return HttpResponseRedirect(back)

    return confirm(
        request,
        forms.Form(request.POST if request.method == "POST" else None),
        lambda: Question(
            title="Post a delivery again",
            text=f"Post this delivery of {delivery.endpoint.account} again?",
            named=f"“{delivery.endpoint.shown_url}”",
            consequences=[
                "The receiver gets the same body with the same id once more, at once.",
                "There is one attempt. Other deliveries are not affected.",
            ],
            button="Post again",
            icon="replay",
        ),
        carry,
        back=back,
        model=Delivery,
        first=lambda: "" if may_replay(request, delivery) else "It is pending, or its endpoint is disabled.",
    )
