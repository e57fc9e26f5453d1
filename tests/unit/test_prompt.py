"""How long a prompt can be."""

from __future__ import annotations

import base64
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.prompt import (
    AUDIO_TOKENS_PER_S,
    MESSAGE_TOKENS,
    REQUEST_TOKENS,
    TOOL_PROMPT_TOKENS,
    prompt_bound,
)

MP3_FRAME = b"\xff\xfb\x90\x00"
AAC_FRAME = b"\xff\xf1\x50\x80"
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def input_bound(messages, params, *, max_image_tokens):
    """The whole prompt, with images of a model that counts so much for each."""
    size = prompt_bound(messages, params)
    return size.text_tokens + size.images * max_image_tokens


def user(content):
    return {"role": "user", "content": content}


def image(url="https://example.com/cat.png"):
    return {"type": "image_url", "image_url": {"url": url}}


class TestInputBound:
    @given(st.lists(st.text(), max_size=4))
    def test_covers_every_byte(self, texts):
        """No tokeniser makes more tokens than there are bytes of text; lone surrogates included."""
        size = input_bound([user(text) for text in texts], {}, max_image_tokens=0)
        assert size >= sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)

    def test_overhead(self):
        """Each message and the request add a constant to the bytes of their JSON."""
        message = user("é")
        raw = len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()) + len("{}")
        assert input_bound([message], {}, max_image_tokens=0) == raw + MESSAGE_TOKENS + REQUEST_TOKENS

    def test_lone_surrogate(self):
        """JSON may carry half a surrogate pair; it counts, and does not fail."""
        assert input_bound([user("\ud800")], {}, max_image_tokens=0) > REQUEST_TOKENS

    @pytest.mark.parametrize("kind", ["image_url", "input_image", "image"])
    def test_image_counts_its_maximum(self, kind):
        """An image counts the model's maximum, whatever the length of its data."""
        short, long = ({"type": kind, "image_url": {"url": "data:image/png;base64," + "A" * n}} for n in (9, 9000))
        sizes = [input_bound([user([part])], {}, max_image_tokens=1600) for part in (short, long)]
        without = input_bound([user([])], {}, max_image_tokens=1600)
        assert sizes == [without + MESSAGE_TOKENS + 1600] * 2

    def test_image_without_an_object(self):
        """The Responses form, with the URL in place of the object, is an image as well."""
        part = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 9000}
        assert input_bound([user([part])], {}, max_image_tokens=1) < 1000

    def test_text_parts_count_their_bytes(self):
        """Text in parts counts like text in one piece, and a part that is not an object like its JSON."""
        parts = [{"type": "text", "text": "x" * 500}, "y" * 500]
        assert input_bound([user(parts)], {}, max_image_tokens=0) > 1000

    @pytest.mark.parametrize("name", ["tools", "functions", "response_format"])
    def test_tools_and_formats_count(self, name):
        """Tools and response formats count their JSON and the instructions that providers add for them."""
        params = {name: [{"type": "function", "function": {"name": "f", "description": "d" * 300}}]}
        plain = input_bound([user("hi")], {}, max_image_tokens=0)
        assert input_bound([user("hi")], params, max_image_tokens=0) > plain + 300 + TOOL_PROMPT_TOKENS

    @pytest.mark.parametrize("message", [{"role": "tool", "content": "4"}, {"role": "assistant", "tool_calls": [{}]}])
    def test_tool_messages_bring_the_tool_prompt(self, message):
        """A conversation with tool calls makes providers add their tool instructions even without tools."""
        assert input_bound([message], {}, max_image_tokens=0) > TOOL_PROMPT_TOKENS

    def test_tool_calls_count(self):
        """What a message carries besides its content, tool calls for one, counts its bytes."""
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "a" * 700}}
        message = {"role": "assistant", "content": [{"type": "text", "text": ""}], "tool_calls": [call]}
        assert input_bound([message], {}, max_image_tokens=0) > 700 + TOOL_PROMPT_TOKENS


def test_the_overheads_are_what_they_were():
    """Holds are made of them: less, and a budget could be overrun."""
    assert (REQUEST_TOKENS, MESSAGE_TOKENS, TOOL_PROMPT_TOKENS) == (32, 16, 1024)


def of_parts(*parts, **changes):
    return prompt_bound([{**user(list(parts)), **changes}], {})


def sound(data, named="mp3"):
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": named}}


def wave(seconds, rate=8000, block=2, form=1, chunk=b"fmt "):
    """A wave file of so many seconds."""
    body = b"\0" * (seconds * rate * block)
    layout = struct.pack("<HHIIHH", form, 1, rate, rate * block, block, 8 * block)
    return b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVE" + chunk + struct.pack("<I", 16) + layout + body


def file(data):
    return {"type": "file", "file": {"filename": "a", "file_data": data}}


class TestDocuments:
    @pytest.mark.parametrize(
        "part",
        [
            file("data:application/pdf;base64," + "A" * 50_000),
            {"type": "input_file", "file_data": "data:application/pdf;base64," + "A" * 50_000},
            image("data:application/pdf;base64," + "A" * 50_000),
        ],
    )
    def test_a_pdf_is_bounded_by_nothing_but_the_model(self, part):
        """Neither its text, which is compressed, nor its pages; its bytes serve as a guess."""
        size = of_parts(part)
        assert (size.documents, size.images, size.hears) == (1, 0, False)
        assert size.document_bytes == 50_000 + len("data:application/pdf;base64,")
        assert size.text_tokens < 1000

    @pytest.mark.parametrize(
        "part",
        [
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "file", "file": None},
            file("data:audio/mpeg;base64,AAAA"),
            image("data:video/mp4;base64,AAAA"),
            {"type": "document", "source": {"type": "url", "url": "https://example.com/a"}},
        ],
    )
    def test_what_may_be_anything_may_be_sound(self, part):
        """A file that is only named, and data of other kinds."""
        size = of_parts(part)
        assert (size.documents, size.hears) == (1, True)

    @pytest.mark.parametrize("kind", ["text/plain", "application/json"])
    def test_a_plain_file_is_text(self, kind):
        """It counts its bytes."""
        size = of_parts(file(f"data:{kind};base64," + "A" * 5000))
        assert (size.documents, size.document_bytes) == (0, 0)
        assert 5000 < size.text_tokens < 5200

    def test_an_earlier_answer_of_sound(self):
        """Is named by its id, and nobody knows how long it was."""
        size = prompt_bound([{"role": "assistant", "content": None, "audio": {"id": "audio_1"}}], {})
        assert (size.documents, size.hears) == (1, True)
        assert prompt_bound([{"role": "assistant", "content": "hi", "audio": None}], {}).documents == 0


class TestSound:
    @pytest.mark.parametrize("head", [MP3_FRAME, b"ID3\x04"])
    def test_mp3_takes_a_thousand_bytes_a_second(self, head):
        """At its lowest bit rate."""
        size = of_parts(sound(head + b"\0" * 59_996))
        assert size.audio_tokens == 61 * AUDIO_TOKENS_PER_S
        assert (size.documents, size.hears, size.document_bytes) == (0, True, 0)
        assert size.text_tokens < 1000

    @given(st.integers(0, 5), st.integers(1, 4000), st.integers(1, 4))
    def test_a_wave_says_how_long_it_is(self, seconds, rate, block):
        """However slow it is; rounded up to whole seconds."""
        tokens = of_parts(sound(wave(seconds, rate, block), "wav")).audio_tokens
        header_s = -(-46 // (rate * block)) + 1
        assert seconds * AUDIO_TOKENS_PER_S < tokens <= (seconds + header_s) * AUDIO_TOKENS_PER_S

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"OggS" + b"\0" * 100,
            AAC_FRAME + b"\0" * 100,
            wave(1)[:30],
            wave(1, form=2),
            wave(1, chunk=b"bext"),
            wave(1, block=0) + b"\0" * 100,
            b"RIFX" + wave(1)[4:],
        ],
    )
    def test_other_sound_is_bounded_by_nothing_but_the_model(self, data):
        """Where a second can take any number of bytes, whatever it is called."""
        size = of_parts(sound(data))
        assert (size.documents, size.audio_tokens, size.hears) == (1, 0, True)

    @pytest.mark.parametrize("data", ["no base64!", "AAA", 7, None])
    def test_what_is_no_data_is_not_measured(self, data):
        """The provider refuses it; until then it is held as if it were as long as can be."""
        size = of_parts({"type": "input_audio", "input_audio": {"data": data}})
        assert (size.documents, size.audio_tokens) == (1, 0)


class TestAnHourInTheCache:
    @pytest.mark.parametrize(
        ("messages", "params"),
        [
            ([{**user("hi"), **HOUR}], {}),
            ([user([{"type": "text", "text": "hi", **HOUR}])], {}),
            ([user([{**image(), **HOUR}])], {}),
            ([user("hi")], {"tools": [{"type": "function", "function": {"name": "f"}, **HOUR}]}),
        ],
    )
    def test_wherever_it_is_asked_for(self, messages, params):
        """On messages, parts of any kind and tools."""
        assert prompt_bound(messages, params).hour_writes

    @pytest.mark.parametrize("control", [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"}])
    def test_minutes_are_no_hour(self, control):
        """Nor is the word in a text."""
        parts = [{"type": "text", "text": 'say "1h"', "cache_control": control}, {**image(), "cache_control": control}]
        assert not prompt_bound([user(parts)], {}).hour_writes
