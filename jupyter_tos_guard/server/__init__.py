"""The Jupyter server as a place where cells are stopped. Empty for now."""
