"""The Jupyter server as a place where cells are stopped, and as the way to the central server.

Nothing is imported here: :mod:`.connection` is also used by servers that load no extensions.
"""
