"""What stands between an execute request and an interpreter, wherever it stands.

:mod:`.ruling` decides about a whole request and records what it met, :mod:`.notice`
words what the user is told, :mod:`.settings` reads what the operator set. The kernel
and the Jupyter server both use these; neither messages nor sockets are known
here. Nothing is imported here: a kernel must start whatever state this package is in.
"""
