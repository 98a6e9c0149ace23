"""The fields of SendGrid's calls that are accepted and have no effect on mail (`api/without_effect.py` says how these
declarations are used)."""

from __future__ import annotations

from typing import Final

from api.sendgrid.inputs.contactdb import READ_ONLY
from api.without_effect import WithoutEffect

MAIL: Final = ("send_mail",)
CAMPAIGNS: Final = ("create_campaign", "change_campaign")
SINGLE_SENDS: Final = ("create_single_send", "change_single_send")
RECIPIENTS: Final = ("create_recipients", "change_recipients")

POOL: Final = "No pool is used; only names that the installation lists are accepted."
EDITOR: Final = "It tells which editor the content was written in."

WITHOUT_EFFECT: Final = (
    WithoutEffect(MAIL, ("mail_settings.footer",), "No footer is added to the message."),
    WithoutEffect(MAIL, ("mail_settings.bcc",), "No copy is sent. Use `bcc` in `personalizations`."),
    WithoutEffect(MAIL, ("mail_settings.spam_check",), "Messages are not checked for spam."),
    WithoutEffect(MAIL, ("tracking_settings.click_tracking",), "Links are left unchanged, and clicks are not counted."),
    WithoutEffect(
        MAIL,
        ("tracking_settings.open_tracking",),
        "No pixel is added, opens are not counted, and `substitution_tag` is left in the text.",
    ),
    WithoutEffect(
        MAIL,
        ("tracking_settings.subscription_tracking",),
        "No text or link is added, and `substitution_tag` is left in the text. Use `asm`.",
    ),
    WithoutEffect(MAIL, ("tracking_settings.ganalytics",), "Links are left unchanged."),
    WithoutEffect(MAIL, ("sections",), "Section tags are left in the text. Use `substitutions`."),
    WithoutEffect(MAIL, ("personalizations[].dynamic_template_data",), "There are no templates."),
    WithoutEffect(MAIL, ("ip_pool_name",), POOL),
    WithoutEffect(MAIL, ("categories",), "Statistics by category do not exist.", is_kept=True),
    WithoutEffect(
        MAIL,
        ("custom_args", "personalizations[].custom_args"),
        "The admin shows the arguments; event webhooks do not exist.",
        is_kept=True,
    ),
    WithoutEffect(CAMPAIGNS, ("ip_pool",), POOL, is_kept=True),
    WithoutEffect(CAMPAIGNS, ("editor",), EDITOR, is_kept=True),
    WithoutEffect(SINGLE_SENDS, ("email_config.ip_pool",), POOL, is_kept=True),
    WithoutEffect(SINGLE_SENDS, ("email_config.editor",), EDITOR, is_kept=True),
    WithoutEffect(
        SINGLE_SENDS, ("email_config.design_id",), "There are no designs; only null or an empty text is accepted."
    ),
    WithoutEffect(
        ("send_test_mail",),
        ("version_id_override",),
        "A Single Send has one version; only null or an empty text is accepted.",
    ),
    WithoutEffect(
        RECIPIENTS,
        tuple(f"[].{name}" for name in sorted(READ_ONLY)),
        "A recipient shows it, and a request cannot set it.",
    ),
    WithoutEffect(("export_contacts",), ("notifications",), "Nobody is mailed when an export is ready."),
    WithoutEffect(
        ("refresh_segment",),
        ("user_time_zone",),
        "It must be the name of a time zone; refreshes are not limited by the day.",
    ),
)
