"""What the screens say: model values to lines, one file per part of a screen. Pure functions, no Textual."""
