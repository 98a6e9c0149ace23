"""Track opens and clicks: links of a mail lead over this installation, which counts them.

`rewriting.py` puts sealed links (`tokens.py`) into the texts of a mail when it is composed, and `parameters.py` adds
parameters for Google Analytics. `early.py` decides whether the links can be rewritten once for all messages of a mail.
"""
