"""Show the pages of batches and receipts, which refresh themselves until nothing more happens."""
