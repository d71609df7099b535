"""Drawing without Textual: lines of (text, role), numbers in words, glyphs, small charts. Pure functions."""
