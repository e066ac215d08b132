"""The terminal: output, width, colour, progress, asking, files for people. It decides nothing."""
