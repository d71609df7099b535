"""Ground floor: clock, ids, text safety, errors. Imports nothing of ours."""
