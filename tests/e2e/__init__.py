"""The installed command in a terminal, from a scratch directory, kubectl as the witness. Budget: 6 minutes."""
