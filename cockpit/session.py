"""The composition root: settings -> clock, clients, live, actions, journal. The only place that wires."""
