"""One file per widget: they get data, draw it, and never call a client."""
