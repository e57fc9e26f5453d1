"""`python -m gateway_core.lambda_stream module.handler`: the process that Lambda starts through `stream-runtime`."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Mapping

from gateway_core.lambda_stream.seams import UnknownRuntimeError, check_seams


def main(args: list[str], environ: Mapping[str, str]) -> None:
    """Run the handler, or end with an init error where awslambdaric is not one that we know."""
    try:
        check_seams()
    except UnknownRuntimeError as error:
        report(environ["AWS_LAMBDA_RUNTIME_API"], error)
        sys.exit(str(error))
    # Not above: it builds on what was just checked.
    from gateway_core.lambda_stream.runtime import run  # noqa: PLC0415

    run(args, environ)


def report(address: str, error: UnknownRuntimeError) -> None:
    """Tell Lambda why there will be no handler, so that the caller sees more than an exit code."""
    name = "Runtime.UnknownRuntime"
    document = {"errorType": name, "errorMessage": str(error), "stackTrace": []}
    connection = http.client.HTTPConnection(address)
    headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": name}
    connection.request("POST", "/2018-06-01/runtime/init/error", json.dumps(document), headers)
    connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    main(sys.argv, os.environ)
