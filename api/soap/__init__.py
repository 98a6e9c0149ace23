"""Marketing Cloud's SOAP API, as far as it is about sends. `docs/soap.md` says what is served and what is not."""
