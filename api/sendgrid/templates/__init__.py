"""Serve SendGrid's calls for templates and their versions."""
