"""The kernel process as a place where cells are stopped.

:mod:`.hook` is the kernel class that an installation switches on; the rest is
imported by it and may fail to be without taking the kernel down. Nothing is
imported here: a kernel must start whatever state this package is in.
"""
