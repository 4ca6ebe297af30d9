"""Migrations of the tables, run by :mod:`jupyter_tos_guard.central.storage.migrate`."""
