"""Register the console's admin pages."""

from console.batches.admin import LiveBatchAdmin, LiveReceiptAdmin
from console.campaigns.admin import CampaignAdmin

__all__ = ["CampaignAdmin", "LiveBatchAdmin", "LiveReceiptAdmin"]
