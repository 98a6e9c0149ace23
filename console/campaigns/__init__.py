"""The pages of campaigns: a list with a red cross and a menu on each row, and a page that shows what happens now."""
