"""Register the console's admin pages."""

from console.campaigns.admin import CampaignAdmin

__all__ = ["CampaignAdmin"]
