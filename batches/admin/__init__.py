"""The admin's pages of batches, waves and receipts: to look at, with buttons on a batch, an account, and everything."""

from batches.admin.accounts import StoppableAccountAdmin
from batches.admin.batches import BatchAdmin
from batches.admin.receipts import ReceiptAdmin

__all__ = ["BatchAdmin", "ReceiptAdmin", "StoppableAccountAdmin"]
