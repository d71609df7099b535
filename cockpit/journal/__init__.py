"""Append-only SQLite record of who did what, to which digest, on what evidence."""
