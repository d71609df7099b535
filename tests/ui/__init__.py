"""The screens on hand-built pictures: Pilot and SVG, never a world."""
