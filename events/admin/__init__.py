"""Register the pages of endpoints and their deliveries."""

from events.admin.deliveries import DeliveryAdmin
from events.admin.endpoints import EndpointAdmin

__all__ = ["DeliveryAdmin", "EndpointAdmin"]
