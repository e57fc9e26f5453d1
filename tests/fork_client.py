"""Stands for a program that `tests/fork_server.py` forks: hands over its own pipes, passes signals on, ends as it does.

Standard library only, and as little as can be: it is started often. ADDRESS MODULE [ARGUMENTS]
"""

import json
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> None:
    """Ask for the program, and wait for its end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    address, *arguments = sys.argv[1:]
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    asked = {"arguments": arguments, "environ": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109 - few imports
    socket.send_fds(connection, [b"fork!"], [0, 1, 2])
    replies = connection.makefile("rw")
    replies.write(json.dumps(asked) + "\n")
    replies.flush()
    pid = int(replies.readline())
    for number in PASSED_ON:
        signal.signal(number, lambda number, _frame: os.kill(pid, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    code = int(replies.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
