"""The language of conditions on contacts: read from SGQL or legacy conditions, kept as JSON, compiled to SQL."""
