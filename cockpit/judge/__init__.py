"""Evidence and verdict. Pure functions over values; imports model only."""
