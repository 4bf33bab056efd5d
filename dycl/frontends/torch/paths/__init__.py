"""What stands where paths meet, and what a path has left behind."""
