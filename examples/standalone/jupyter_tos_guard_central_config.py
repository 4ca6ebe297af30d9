"""The central service without JupyterHub: people and servers have tokens that it makes itself."""

c = get_config()  # noqa: F821 - traitlets gives it

c.CentralApp.bind_url = "http://127.0.0.1:10101"
c.CentralApp.state = "tos_guard_central"
c.CentralApp.contact = "abuse@lab.example.org"
# Spawning and stopping servers is a Hub's. What remains is what the guard itself can do.
c.CentralApp.effects = {"restricted": ["block-clause"], "suspended": ["pause"]}
