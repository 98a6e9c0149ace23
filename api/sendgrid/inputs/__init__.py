"""Requests become values.

`mail.py` reads mail/send: `schema.py` says its types, `rules.py` and `headers.py` the rules, `texts.py` the words
for what is wrong with them. `resources.py` reads the small requests of the other endpoints.
"""
