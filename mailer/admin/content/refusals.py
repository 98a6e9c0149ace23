"""Tell an operator why the core refused a change of a template, a design or a setting."""

from __future__ import annotations

from batches.admin.asking import REFUSALS
from content import errors

REFUSALS.update(
    {
        errors.UnknownTemplate: "this template was deleted",
        errors.NoActiveVersion: "the template has no active version",
        errors.UnknownVersion: "this version was deleted",
        errors.TemplateLimitReached: "the account has the maximum number of templates",
        errors.VersionLimitReached: "the template has the maximum number of versions",
        errors.UnknownDesign: "this design was deleted",
        errors.DesignLimitReached: "the account has the maximum number of designs",
    }
)
