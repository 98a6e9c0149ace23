"""Marketing Cloud's SOAP wire, as far as sends go. `docs/soap.md` says what there is and what there is not."""
