"""SendGrid's calls for designs."""
