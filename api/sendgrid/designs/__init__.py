"""Serve SendGrid's calls for designs."""
