"""What tests stand on: a world in a process of its own, terminals, kubectl, and the installed command."""
