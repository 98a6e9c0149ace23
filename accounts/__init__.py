"""Manage tenants, their keys and scopes, and the freeze that holds a whole tenant."""
