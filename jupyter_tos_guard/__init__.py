"""A hub's terms of use, enforced before a cell runs: decide, explain, record."""
