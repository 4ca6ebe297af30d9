"""Between a client and the central server: the policy comes in, strikes go out.

:mod:`.cache` is what lies on disk and is light enough for every kernel; the rest
(network, TUF) is loaded by the Jupyter server or by a process of its own, never by a
kernel. Nothing is imported here.
"""
