"""What the hub allows: terms, rules, and the compiled bundle that clients match facts against.

Authors write :mod:`.rules`, checked by :mod:`.lint`; :mod:`.compile` makes the
bytes that :mod:`.bundle` maps and :mod:`.matching` asks. Only the last two (with
:mod:`.model`, :mod:`.decision`, :mod:`.indicators` and :mod:`.patterns`) are
loaded in a kernel, so nothing is imported here.
"""
