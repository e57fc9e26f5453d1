"""A store that can be taken down and put up again."""

from contextlib import ExitStack

from local.serving import serve
from local.upstash.app import create_app
from local.upstash.faults import Faults

TOKEN = "local"
BEARER = {"authorization": f"Bearer {TOKEN}"}


class Server:
    """The store's REST API at one address, where it can be taken down and put up again with its data."""

    def __init__(self, redis_port):
        self._redis_port = redis_port
        self._running = ExitStack()
        self._port = 0
        self.url = ""

    def up(self):
        """Serve, unless it does."""
        if not self.url:
            app = create_app(redis_port=self._redis_port, token=TOKEN, faults=Faults())
            self.url = self._running.enter_context(serve(app, self._port))
            self._port = int(self.url.rpartition(":")[2])

    def down(self):
        """Close the port."""
        self._running.close()
        self.url = ""
