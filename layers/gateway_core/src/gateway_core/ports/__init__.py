"""The seams; who wires (`bootstrap`, the command line, the local stack) knows what is behind each.

Two real implementations have `Store` and its parts (Upstash and memory, `KeyStore` a third through Upstash's SDK),
`Invoker` (Lambda, and in this process), `ConfigSource` (files, S3, AppConfig) and `Backlog` (SQS, files, memory). The
second ones of `ModelProvider` and `ModelLister` are fakes that ship, in `adapters/echo`. `Clock`, `Draw`
and `KeySetSource` have one each, and others in the tests only: time and chance are arguments so that a test can choose
them.
"""

from gateway_core.ports.jobs import JobBook, JobFiles, JobStarter
from gateway_core.ports.keys import KeyStore, Residents
from gateway_core.ports.outside import (
    Backlog,
    ChatProvider,
    Clock,
    ConfigSource,
    Connected,
    Draw,
    EmbeddingProvider,
    Invoker,
    KeySetSource,
    LocalBacklog,
    ModelLister,
    ModelProvider,
    Replay,
    StreamingProvider,
    TokenCounter,
)
from gateway_core.ports.store import (
    Books,
    ConnectedStore,
    HoldBook,
    Ledger,
    OperatorStore,
    ProbeBoard,
    ResponseCache,
    Store,
)

__all__ = [
    "Backlog",
    "Books",
    "ChatProvider",
    "Clock",
    "ConfigSource",
    "Connected",
    "ConnectedStore",
    "Draw",
    "EmbeddingProvider",
    "HoldBook",
    "Invoker",
    "JobBook",
    "JobFiles",
    "JobStarter",
    "KeySetSource",
    "KeyStore",
    "Ledger",
    "LocalBacklog",
    "ModelLister",
    "ModelProvider",
    "OperatorStore",
    "ProbeBoard",
    "Replay",
    "Residents",
    "ResponseCache",
    "Store",
    "StreamingProvider",
    "TokenCounter",
]
