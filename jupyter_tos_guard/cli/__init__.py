"""The command line, ``jupyter tos-guard …``: one module per verb.

A place, not an idea: it reads files, prints and exits. What is decided comes
from :mod:`jupyter_tos_guard.guard`, what is in a policy from
:mod:`jupyter_tos_guard.policy`.
"""
