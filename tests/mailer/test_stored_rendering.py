"""Accept stores how a mail is rendered, with the defaults that its account has at that moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from accounts.models import Account
from content.models import VersionContent
from mailer.draft import MailDraft, Rendering
from mailer.models import Mail, Message
from mailer.pipeline.accept import accept_mail
from tests.drafts import draft

FOOTER: Rendering = {"footer": {"text": "Imprint", "html": "<p>Imprint</p>"}}


def stored(account: Account, mail: MailDraft) -> Mail:
    return Mail.objects.get(public_id=accept_mail(account, mail).public_id)


def test_a_plain_mail_stores_no_rendering(alice: Account) -> None:
    mail = stored(alice, draft())
    assert (mail.template_id, mail.rendering, mail.defaults) == (None, None, None)


def test_the_defaults_of_the_account_are_fixed_when_mail_is_accepted(alice: Account, charlie: Account) -> None:
    Account.objects.filter(pk=alice.pk).update(mail_defaults=FOOTER)
    for messages in (1, 3):
        mail = stored(alice, draft(messages))
        Account.objects.filter(pk=alice.pk).update(mail_defaults={"wrapper": "<% body %>"})
        mail.refresh_from_db()
        assert mail.defaults == FOOTER
        Account.objects.filter(pk=alice.pk).update(mail_defaults=FOOTER)
    assert stored(charlie, draft()).defaults is None


def test_template_rendering_and_data_are_stored(alice: Account) -> None:
    content = VersionContent.objects.create(account=alice, is_dynamic=True, html="{{name}}")
    for messages in (1, 2):
        base = draft(messages)
        data: dict[str, Any] = {"name": "Ada", "items": [1, {"price": 2.5}]}
        people = tuple(personalization._replace(data=data) for personalization in base.personalizations)
        mail = stored(alice, replace(base, template=content.pk, rendering=FOOTER, personalizations=people))
        assert (mail.template_id, mail.rendering) == (content.pk, FOOTER)
        messages_of_mail = Message.objects.filter(mail_id=mail.pk)
        assert [message.personal["data"] for message in messages_of_mail] == [data] * messages


def test_values_that_may_bring_tags_are_noted(alice: Account) -> None:
    base = draft(2)
    first, second = base.personalizations
    for changes in (
        {"substitutions": {"-a-": "<%asm_preferences_url%>"}},
        {"substitutions": {"-a-": "x", "-b-": "{{unsubscribe}}"}},
        {"headers": {"X-Leave": "[unsubscribe]"}},
        {"subject": "[Sender_Name]"},
    ):
        mail = stored(alice, replace(base, personalizations=(first, second._replace(**changes))))
        assert mail.rendering == {"brings_tags": True}, changes
    mail = stored(alice, replace(base, personalizations=(first, second._replace(substitutions={"{{a}}": "100 % {b}"}))))
    assert mail.rendering is None
