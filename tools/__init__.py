"""What dycl's developers run."""
