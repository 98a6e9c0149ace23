"""Serve the page behind the link that is mailed to a sender's address.

Opening the page changes nothing, because programs open links, too. The button of the page verifies the sender. No login
is needed: a person who has the link can read the mail of the address.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from audience.errors import UnknownLink
from campaigns.senders import read_verification, verify_sender
from foundation.responses import accept_methods, render_public_page

TEMPLATE: Final = "campaigns/verify_sender.html"


@csrf_exempt
@never_cache
@accept_methods("GET", "POST")
def show_verification(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page that asks whether mail may come from an address. On POST verify the sender."""
    try:
        is_asked = request.method != "POST"
        sender = read_verification(token) if is_asked else verify_sender(token)
    except UnknownLink:
        return render_public_page(request, TEMPLATE, status=404)
    context = {"sender": sender, "account": sender.account, "is_verified": sender.verified_at is not None}
    return render_public_page(request, TEMPLATE, context)
