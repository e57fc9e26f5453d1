"""Log probabilities as OpenAI reports them: every token as likely as not, with alternatives that are less so."""

from __future__ import annotations

from local.providers.model import Generation, Json

_HALF = -0.6931471805599453
_STEP = -1.0


def logprobs_of(body: Json, said: Generation | Json) -> Json | None:
    """Of a whole answer, or of one delta; None where nobody asked, and for a delta that says nothing in text."""
    if not body.get("logprobs"):
        return None
    content, refusal = _pieces(said)
    if isinstance(said, dict) and not (content or refusal):
        return None
    top = int(body.get("top_logprobs") or 0)
    return {
        "content": [_token(piece, top) for piece in content] if content or not refusal else None,
        "refusal": [_token(piece, top) for piece in refusal] if refusal else None,
    }


def _pieces(said: Generation | Json) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tokens of the text, and of the refusal."""
    if isinstance(said, Generation):
        return ((), said.text) if said.refused else (said.text, ())
    return tuple(filter(None, [said.get("content")])), tuple(filter(None, [said.get("refusal")]))


def _token(piece: str, top: int) -> Json:
    likely = [_one(piece if rank == 0 else f"{piece}{rank}", _HALF + rank * _STEP) for rank in range(top)]
    return _one(piece, _HALF) | {"top_logprobs": likely}


def _one(piece: str, logprob: float) -> Json:
    return {"token": piece, "logprob": logprob, "bytes": list(piece.encode(errors="replace"))}
