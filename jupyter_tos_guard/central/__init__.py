"""The central server: strikes of a whole hub, policies for it. Empty for now."""
