"""Colour themes as TOML files; a user adds one by dropping a file beside the config."""
