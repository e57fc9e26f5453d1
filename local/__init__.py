"""The local stack: everything the gateway needs to run on one machine, without an account anywhere."""
