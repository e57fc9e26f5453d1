"""What each MCP client makes of what its user shows at the gateway: a key, a token, and either of them when it is bad.

`EXPECTED` is the table that `docs/clients/mcp.md` has, `read_by` how a client's last words are told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.clients.issuer_server import LiveIssuer
from tests.e2e.conftest import KEY

SCOPE = "gateway:use"
PROOF = "tiktoken:o200k_base"
"""Part of what `count_tokens` says of `COUNT`, and of nothing else that a client prints."""
COUNT = {"text": "hi", "model": "gpt-5.1"}


@dataclass(frozen=True)
class Ended:
    """How a client ended. `worked` is whether it listed the tools and called one; `text` is all that it printed."""

    worked: bool
    text: str


class Shown(StrEnum):
    """What the user of a client has put into its header."""

    KEY = "a key"
    WRONG_KEY = "a wrong key"
    TOKEN = "a token"
    EXPIRED = "an expired token"
    SCOPELESS = "a token without the scope"

    def by(self, issuer: LiveIssuer) -> str:
        """It, as the issuer of now makes it."""
        match self:
            case Shown.KEY:
                return KEY
            case Shown.WRONG_KEY:
                return "gk_dev_wrong"
            case Shown.TOKEN:
                return issuer.token()
            case Shown.EXPIRED:
                return issuer.token(exp=1)
            case Shown.SCOPELESS:
                return issuer.token(scope="openid")


WORDS = {
    Shown.WRONG_KEY: "The API key is unknown or revoked. Ask for a new one: gateway keys create --project ID.",
    Shown.EXPIRED: "The token has expired. Sign in again, or have it renewed.",
    Shown.SCOPELESS: f"The token lacks the scope {SCOPE}. Sign in again, and agree to it.",
}
"""The gateway's own."""


class Reads(StrEnum):
    """What the user is told."""

    WORKS = "works"
    REASON = "the reason"
    SCOPE = "which scope"
    SIGN_IN = "where to sign in"
    STATUS = "the status"
    NOTHING = "no reason"


_GOOD = {Shown.KEY: Reads.WORKS, Shown.TOKEN: Reads.WORKS}


def _row(wrong_key: Reads, expired: Reads, scopeless: Reads) -> dict[Shown, Reads]:
    return {**_GOOD, Shown.WRONG_KEY: wrong_key, Shown.EXPIRED: expired, Shown.SCOPELESS: scopeless}


EXPECTED: dict[str, dict[Shown, Reads]] = {
    "Claude Code": _row(Reads.REASON, Reads.REASON, Reads.SCOPE),
    "Codex": _row(Reads.REASON, Reads.REASON, Reads.REASON),
    "MCP Inspector, `--cli`": _row(Reads.REASON, Reads.REASON, Reads.SCOPE),
    "mcp-remote": _row(Reads.REASON, Reads.SIGN_IN, Reads.SIGN_IN),
    "TypeScript SDK 1": _row(Reads.REASON, Reads.REASON, Reads.REASON),
    "TypeScript SDK 2": _row(Reads.REASON, Reads.REASON, Reads.SCOPE),
    "TypeScript SDK 2, `auto`": _row(Reads.STATUS, Reads.STATUS, Reads.SCOPE),
    "Python SDK": _row(Reads.NOTHING, Reads.NOTHING, Reads.NOTHING),
    "FastMCP": _row(Reads.NOTHING, Reads.NOTHING, Reads.NOTHING),
}
WHY = {
    Reads.SCOPE: "the client has a sentence of its own, with the scope's name from the gateway's answer",
    Reads.SIGN_IN: "mcp-remote opens the issuer's page and waits for its user, whatever header it was given",
    Reads.STATUS: "in `auto` the SDK says 401 or 403; the gateway's words are in `error.data.text`",
    Reads.NOTHING: "the SDK says `Server returned an error response`, as all that it reads of a refusal is JSON-RPC;\n"
    "  `curl` and the gateway's log have the reason",
}
"""Why some read less than the reason."""


def read_by(shown: Shown, ended: Ended, issuer: str) -> Reads | None:
    """What a client's text tells its user; None where that is not one of these."""
    text = ended.text.replace("\\", "")
    signs = {
        Reads.WORKS: ended.worked,
        Reads.SIGN_IN: f"Please authorize this client by visiting:\n{issuer}/authorize?" in text,
        Reads.REASON: shown in WORDS and WORDS[shown] in text,
        Reads.SCOPE: f'Insufficient scope: required "{SCOPE}"' in text,
        Reads.STATUS: any(f"(HTTP {status})" in text for status in (401, 403)),
        Reads.NOTHING: "Server returned an error response" in text,
    }
    return next((reads for reads, is_so in signs.items() if is_so), None)


def table() -> str:
    """The table of the page."""
    lines = [f"| {' | '.join(cells)} |" for cells in (["client", *Shown], *_cells())]
    reasons = "\n".join(f"* *{reads}*: {why}." for reads, why in WHY.items())
    return "\n".join([lines[0], "|---" * (len(Shown) + 1) + "|", *lines[1:], "", reasons])


def _cells() -> list[list[str]]:
    return [[client, *(row[shown] for shown in Shown)] for client, row in EXPECTED.items()]
