"""What is reachable, allowed, fitting; self-observation."""
