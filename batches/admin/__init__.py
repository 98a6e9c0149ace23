"""Show batches, waves and receipts, with buttons that stop a batch, an account or everything."""

from batches.admin.accounts import StoppableAccountAdmin
from batches.admin.batches import BatchAdmin
from batches.admin.receipts import ReceiptAdmin

__all__ = ["BatchAdmin", "ReceiptAdmin", "StoppableAccountAdmin"]
