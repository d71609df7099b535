"""The live picture: stores -> dirty keys -> immutable Snapshot."""
