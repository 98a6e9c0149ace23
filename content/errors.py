"""Define the errors of templates, their versions, designs and settings of mail."""

from __future__ import annotations

from foundation.errors import SluiceError


class UnknownTemplate(SluiceError):
    """The account has no template of that id."""

    code = "unknown_template"


class NoActiveVersion(SluiceError):
    """The template has no active version, so no mail can be made with it."""

    code = "no_active_version"


class UnknownVersion(SluiceError):
    """The template has no version of that id."""

    code = "unknown_version"


class TemplateLimitReached(SluiceError):
    """The account has as many templates as it may have."""

    code = "template_limit_reached"


class VersionLimitReached(SluiceError):
    """The template has as many versions as it may have."""

    code = "version_limit_reached"


class InvalidTemplate(SluiceError):
    """A text of a template, a version or a design cannot be stored; `field` says which, and the message says why."""

    code = "invalid_template"


class UnknownDesign(SluiceError):
    """The account has no design of that id."""

    code = "unknown_design"


class DesignLimitReached(SluiceError):
    """The account has as many designs as it may have."""

    code = "design_limit_reached"


class InvalidSetting(SluiceError):
    """A setting cannot have a value; `field` names its part, and the message gives the reason."""

    code = "invalid_setting"
