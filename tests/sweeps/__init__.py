"""Sweeps: a release is disturbed at each of its AWS calls, against the rehearsal's own control plane."""
