"""The central server: signed policies out, strikes in, people in between.

A place: one service per hub (or several stateless replicas over one database).

- :mod:`.storage`: tables, the database, migrations
- :mod:`.intake`: reports of clients, made durable and acknowledged
- :mod:`.casework`: what people do about strikes: review, appeals, standing, exemptions, terms
- :mod:`.publishing`: the TUF repository: keys, versions, release, replay
- :mod:`.hub`: JupyterHub's side: configuration in one line, spawn hook, running servers
- :mod:`.web`: the service itself: API, pages, sign-in

It never decides about cells: clients do, by the policy that it publishes.
"""
