"""Show a message in a browser as it was sent: the page behind the tag `weblink`.

The link contains the id of the message, and the message is composed again from its rows. So the page works as long as
the history of its batch is kept, whatever the status of the batch.

The HTML is the caller's, so it may be hostile. It is served by the host of the admin and the APIs, but in a sandbox: a
browser gives it a separate origin, runs no script of it, and loads nothing but images.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from django.db.models import Func, IntegerField, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from foundation.responses import accept_methods, render_public_page
from mailer.compose.headers import is_html
from mailer.compose.part_heads import REFERENCE, bare_content_id
from mailer.compose.source import Unrenderable
from mailer.compose.template import TextTooLong
from mailer.models import Mail, Message
from mailer.preview import finished_texts
from mailer.sealing import BadLink
from mailer.suppressions.links import Link, unseal

LONGEST_TEXT: Final = 4_000_000
"""The most characters of a message that is shown. So that a visitor costs little, it is also the most bytes that its
parts, and its attachments, have in the database."""
IMAGE_TYPE: Final = re.compile(r"image/[a-z0-9.+-]+", re.IGNORECASE)

# Images of the sender are loaded: the recipient has opened the message to see it, as in a mail program, and it often
# consists of images. Links that open another tab need popups, and the pages behind them, such as ours to unsubscribe,
# work only outside of the sandbox.
POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "img-src https: data:",
        "style-src 'unsafe-inline'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ]
)


class SentText(NamedTuple):
    """The subject of a message and the body that a browser shows."""

    subject: str
    text: str
    is_html: bool


class Unavailable(Exception):
    """Raised if a message cannot be shown: its link is not ours, it is not kept any more, or it is too large."""


@never_cache
@accept_methods("GET")
def show_sent(request: HttpRequest, token: str) -> HttpResponse:
    """Show the message that a link belongs to."""
    try:
        sent = compose_again(unseal(token))
    except (BadLink, Unavailable):
        return render_public_page(request, "mailer/unsubscribe/no_message.html", status=404)
    page = HttpResponse(sent.text) if sent.is_html else render(request, "mailer/sent_text.html", {"sent": sent})
    page["Content-Security-Policy"] = POLICY
    page["Referrer-Policy"] = "no-referrer"
    page["X-Robots-Tag"] = "noindex"
    # By the HTML standard a browser refuses a page that has a sandbox and Django's default of this policy.
    page["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return page


def compose_again(link: Link) -> SentText:
    """Return a message as it was sent, its HTML if it has any. Raises Unavailable."""
    message = Message.objects.filter(pk=link.message_id).first()
    mail = find_mail(message, link.account_id) if message else None
    if message is None or mail is None:
        raise Unavailable
    try:
        texts = finished_texts(message, mail)
    except (Unrenderable, TextTooLong) as error:
        raise Unavailable from error
    # Python's sort is stable: this is the first HTML part, or the first part without any HTML.
    type, text = next(iter(sorted(texts.parts, key=lambda part: not is_html(part[0]))), ("", ""))
    if len(text) > LONGEST_TEXT:
        raise Unavailable
    return SentText(texts.subject, embed_images(text, mail) if is_html(type) else text, is_html(type))


def find_mail(message: Message, account_id: int) -> Mail | None:
    """Return the mail of a message of the account, without attachments, unless its content is too large to be read."""
    mails = Mail.objects.alias(size=stored_bytes("content")).filter(account=account_id, size__lte=LONGEST_TEXT)
    return mails.select_related("template").defer("attachments").filter(pk=message.mail_id).first()


def stored_bytes(column: str) -> Func:
    """Return the number of bytes of a JSON column as text, which the database can tell without sending it."""
    return Func(Cast(column, TextField()), function="octet_length", output_field=IntegerField())


def embed_images(html: str, mail: Mail) -> str:
    """Return HTML with its attached images in the place of their `cid:` addresses, as far as there is room."""
    if "cid:" not in html:
        return html
    sized = Mail.objects.alias(size=stored_bytes("attachments")).filter(pk=mail.pk, size__lte=LONGEST_TEXT)
    attachments = sized.values_list("attachments", flat=True).first() or []
    images = {
        bare_content_id(item["content_id"]): f"data:{item['type']};base64,{item['content']}"
        for item in attachments
        if item.get("content_id") and IMAGE_TYPE.fullmatch(item.get("type") or "")
    }
    room = LONGEST_TEXT - len(html)

    def embed(reference: re.Match[str]) -> str:
        nonlocal room
        image = images.get(reference["quoted"] or reference["bare"])
        if image is None or len(image) > room:
            return reference[0]
        room -= len(image)
        return image

    return REFERENCE.sub(embed, html)
