"""Its place puts tests/ on the import path, for the modules that several tests share."""
