"""Run imports, upserts, deletions and exports in the background, page by page, on whichever worker is free."""
