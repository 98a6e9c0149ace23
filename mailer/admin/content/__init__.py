"""Register the pages of templates, their versions, designs, and the settings of an account's mail.

They are here and not in `content`, since a preview and a test mail are made as delivery makes them.
"""

from mailer.admin.content import refusals  # noqa: F401  (registers its texts for all pages)
from mailer.admin.content.designs import DesignAdmin
from mailer.admin.content.mail_settings import MailSettingsAdmin
from mailer.admin.content.templates import TemplateAdmin
from mailer.admin.content.versions import TemplateVersionAdmin

__all__ = ["DesignAdmin", "MailSettingsAdmin", "TemplateAdmin", "TemplateVersionAdmin"]
