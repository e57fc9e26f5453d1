"""The command line `gateway`."""
