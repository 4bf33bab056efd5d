"""What Python's syntax means: statements, expressions, calls and functions."""
