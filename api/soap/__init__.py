"""Serve Marketing Cloud's SOAP API for sends. `docs/soap.md` lists the operations that are served."""
