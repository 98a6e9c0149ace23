"""The admin's pages of batches, waves and receipts: to look at, with three buttons on a batch."""

from batches.admin.batches import BatchAdmin
from batches.admin.receipts import ReceiptAdmin

__all__ = ["BatchAdmin", "ReceiptAdmin"]
