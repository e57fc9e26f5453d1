"""Asks a new version of a function before CodeDeploy sends anybody to it. Serves no route, and holds no key at all."""

from gateway_core.bootstrap.preflight import preflight_handler

handler = preflight_handler()
