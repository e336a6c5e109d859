"""Model files: which of them run code when they are loaded."""
