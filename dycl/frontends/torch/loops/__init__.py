"""Loops and recursive functions, kept as such or evaluated."""
