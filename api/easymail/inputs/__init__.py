"""Requests of Easymail's wire become values of the core, a module to a family."""
