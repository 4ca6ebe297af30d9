"""What the central server keeps: tables, the database they are in, and their migrations."""
