"""The face: Textual and nothing else."""
