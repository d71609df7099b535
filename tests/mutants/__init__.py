"""For each safety rule, the one-line mutations that break it and the tests that must then fail."""
