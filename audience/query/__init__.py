"""Read conditions on contacts from SGQL or legacy conditions, store them as JSON, and compile them to SQL."""
