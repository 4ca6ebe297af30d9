"""Verbs of ``jupyter tos-guard central``: the central server and its policy repository."""
