"""How strikes get in: what a report may be, and how many of them become durable at once."""
