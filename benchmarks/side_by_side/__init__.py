"""This gateway beside its peers: one command, one machine, one run; see README.md in `benchmarks`."""
