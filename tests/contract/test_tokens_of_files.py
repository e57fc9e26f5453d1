"""Files and sound in a prompt: they count by pages, bytes and seconds, and are named as estimated."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from gateway_core.adapters.tokens import PromptCounter
from gateway_core.domain.chat import Deployment
from tests.contract.counted_tokens import CLAUDE, GEMINI, GPT, image, tokens, user

pytestmark = pytest.mark.usefixtures("no_network")


def part(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, kind: fields}


def encoded(data: bytes, media_type: str = "") -> str:
    text = base64.b64encode(data).decode()
    return f"data:{media_type};base64,{text}" if media_type else text


def wav(seconds: int) -> bytes:
    """Silence: 16 bits, one channel, 24 kHz."""
    head = struct.pack("<4sL8sLHHLLHH4sL", b"RIFF", 0, b"WAVEfmt ", 16, 1, 1, 24_000, 48_000, 2, 16, b"data", 0)
    return head + bytes(48_000 * seconds - len(head))


def extra(counter: PromptCounter, at: Deployment, *parts: Any) -> int:
    return tokens(counter, user(list(parts)), at=at) - tokens(counter, user([]), at=at)


PDF = b"%PDF-1.7\n" + b"<< /Type /Page >> << /Type/Page/Parent 1 0 R >> << /Type /Pages >>" + bytes(200_000)


@pytest.mark.parametrize(("deployment", "per_page"), [(GPT, 3000), (CLAUDE, 3800), (GEMINI, 560)])
def test_a_pdf_counts_by_its_pages(deployment: Deployment, per_page: int, counter: PromptCounter) -> None:
    """Not by its base64, which nobody reads. Where pages are hidden, its size tells about how many there are."""
    by_pages = {
        encoded(PDF, "application/pdf"): 2,
        encoded(PDF): 2,
        encoded(b"%PDF-1.7 hidden" + bytes(300_000), "application/pdf"): 5,
        encoded(b"%PDF-1.7", "Application/PDF"): 1,
        "data:application/pdf;base64,A": 1,
    }
    for data, pages in by_pages.items():
        assert extra(counter, deployment, part("file", filename="a.pdf", file_data=data)) == pages * per_page
    for elsewhere in ({"file_id": "file-1"}, {}, {"file_data": 5}):
        assert extra(counter, deployment, part("file", **elsewhere)) == per_page


def test_any_other_file_counts_by_its_bytes(counter: PromptCounter) -> None:
    """As if they were a text's."""
    assert extra(counter, GPT, part("file", file_data=encoded(b"word" * 300, "text/plain"))) == 300


@pytest.mark.parametrize(("deployment", "per_s"), [(GPT, 10), (GEMINI, 32)])
def test_audio_counts_by_its_seconds(deployment: Deployment, per_s: int, counter: PromptCounter) -> None:
    """Exactly where its header says how long it is, and else as speech."""
    speech = bytes(8000 * 30)
    assert extra(counter, deployment, part("input_audio", data=encoded(wav(12)), format="wav")) == 12 * per_s
    assert extra(counter, deployment, part("input_audio", data=encoded(speech), format="mp3")) == 30 * per_s
    assert extra(counter, deployment, part("input_audio", data="!", format="wav")) <= 1
    assert extra(counter, deployment, {"type": "input_audio"}) == 0


def test_what_is_estimated_is_named(counter: PromptCounter) -> None:
    """For the model's own tokeniser; any other is an estimate altogether."""
    sound, sheet = part("input_audio", data=encoded(wav(1))), part("file", file_data=encoded(PDF))
    assert counter.count(GPT, [user([sheet])], {}).method == "tiktoken:o200k_base (files estimated)"
    mixed = [user([sheet, sound]), user([image(9, 9), sheet])]
    assert counter.count(GPT, mixed, {}).method == "tiktoken:o200k_base (audio, files, images estimated)"
    assert counter.count(GEMINI, mixed, {}).method == "tiktoken:cl100k_base (estimate)"
