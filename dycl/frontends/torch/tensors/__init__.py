"""Tensors as torch and the IR see them: memory, recorded operations, sizes."""
