"""The embedded world: real servers on loopback speaking the real protocols; an independent witness on base only."""
