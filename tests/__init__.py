"""The tests of modelway; they mirror the package."""
