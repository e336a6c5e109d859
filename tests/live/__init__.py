"""Releases in a sandbox account of AWS; skipped unless ``--live`` names one."""
