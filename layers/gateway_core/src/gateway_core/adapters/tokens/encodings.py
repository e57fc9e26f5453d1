"""OpenAI's tokenisers, by tiktoken, from files that LiteLLM's package has: tiktoken's own ways would download them.

LiteLLM points `TIKTOKEN_CACHE_DIR` to them when it is imported. Here its package is looked up and not imported, which
takes seconds, and no environment is changed.
"""

from __future__ import annotations

import binascii
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

from gateway_core.domain.chat import Deployment
from gateway_core.wires.table import traits_of

_LONGEST_PIECE = 1024
"""Characters. A text without spaces takes the tokeniser more than linear time; cut up, it costs a few tokens more."""


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """A file of tokens, named by tiktoken's hash of its address, and the pattern that first splits a text.

    Source: https://github.com/openai/tiktoken, `tiktoken_ext/openai_public.py` 0.14.
    """

    file: str
    pattern: str


_O200K = _Vocabulary(
    "fb374d419588a4632f3f557e76b4b70aebbca790",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
_CL100K = _Vocabulary(
    "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s",
)
# The harmony format has words of its own, and the same tokens for texts.
_VOCABULARIES: Mapping[str, _Vocabulary] = MappingProxyType(
    {"o200k_base": _O200K, "o200k_harmony": _O200K, "cl100k_base": _CL100K}
)
_ESTIMATE = "cl100k_base"


class TokeniserMissingError(RuntimeError):
    """A tokeniser's file is not where it should be."""


class Encodings:
    """The tokenisers, each loaded when it is first used (0.2 s of CPU, up to 50 MB). Threads may share them.

    Args:
        folder: Where their files are, if not in LiteLLM's package.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._loaded: dict[str, Any] = {}
        self._lock = Lock()

    def count(self, encoding: str, text: str) -> int:
        """Tokens of a text, in linear time. Raises TokeniserMissingError."""
        encode = self._of(_VOCABULARIES[encoding]).encode_ordinary
        pieces = (text[start : start + _LONGEST_PIECE] for start in range(0, len(text), _LONGEST_PIECE))
        return sum(len(encode(piece)) for piece in pieces)

    def _of(self, vocabulary: _Vocabulary) -> Any:
        if vocabulary.file not in self._loaded:
            with self._lock:
                if vocabulary.file not in self._loaded:
                    self._loaded[vocabulary.file] = _load(self._folder or _folder(), vocabulary)
        return self._loaded[vocabulary.file]


def encoding_of(deployment: Deployment) -> tuple[str, bool]:
    """The tokeniser to count with, and whether it is the model's own."""
    if traits_of(deployment.provider).has_public_tokenizer:
        try:
            name = importlib.import_module("tiktoken").encoding_name_for_model(deployment.upstream_model)
        except KeyError:
            name = ""
        if name in _VOCABULARIES:
            return name, True
    return _ESTIMATE, False


def _folder() -> Path:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        raise TokeniserMissingError("Tokens cannot be counted: the package litellm, which has the files, is missing.")
    return Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"


def _load(folder: Path, vocabulary: _Vocabulary) -> Any:
    ranks = _ranks(folder / vocabulary.file)
    encoding = importlib.import_module("tiktoken").Encoding(
        vocabulary.file, pat_str=vocabulary.pattern, mergeable_ranks=ranks, special_tokens={}
    )
    ranks.clear()  # the tokeniser has a table of its own; tiktoken keeps this one, 25 MB, to decode by
    return encoding


def _ranks(path: Path) -> dict[bytes, int]:
    try:
        with path.open("rb") as lines:
            return {binascii.a2b_base64(token): int(rank) for token, rank in map(bytes.split, lines)}
    except FileNotFoundError:
        raise TokeniserMissingError(f"Tokens cannot be counted: there is no file {path}.") from None
