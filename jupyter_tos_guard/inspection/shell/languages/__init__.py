"""Programs in other languages than Python and shell: what they call, what they print.

:mod:`.table` says how each language is written and what its calls do, :mod:`.reader` evaluates them,
:mod:`.library` holds their functions on texts and lists; :mod:`.tcl` and :mod:`.macros` read what is
written quite differently.
"""
