"""Campaigns: content, an audience and a time, which open a batch when they are launched."""
