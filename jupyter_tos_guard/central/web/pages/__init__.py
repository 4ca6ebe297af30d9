"""Pages for people: admins review, users see what is about them. Server-rendered; no script is needed."""
