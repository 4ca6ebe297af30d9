"""``jupyter tos-guard policy …``: one module per verb."""
