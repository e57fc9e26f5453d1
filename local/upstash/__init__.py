"""A stand-in for the Upstash Redis REST API: the same wire over a Redis or Valkey on this machine."""
