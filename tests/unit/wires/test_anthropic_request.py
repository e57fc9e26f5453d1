"""The chat form on its way to Anthropic's Messages: conversations, media and options."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway_core.wires.anthropic.request import request
from tests.unit.wires.claude import (
    ADAPTIVE,
    LOOK_UP,
    PDF,
    PNG,
    THOUGHT,
    USER,
    assistant,
    body,
    call,
    calls_tool,
    document,
    dropped,
    objected,
    result,
    schema_format,
    shown,
    system,
    text,
    user,
)


class TestConversation:
    """Messages become turns."""

    def test_the_plain_request(self) -> None:
        """The path, the model's name there, the cap, and nothing that nobody asked for."""
        sent = request(call(), streams=False)
        assert sent.path == "/v1/messages"
        assert sent.body == {
            "model": "claude-opus-4-5",
            "max_tokens": 4096,
            "messages": [{"role": "user", "content": [text("q")]}],
        }
        assert (sent.dropped, sent.headers) == ((), ())

    def test_a_stream_is_asked_for(self) -> None:
        """Otherwise the member is not there."""
        assert request(call(), streams=True).body["stream"] is True

    def test_what_the_system_says_first_stands_before_the_conversation(self) -> None:
        """Both of its roles, a block for each text."""
        sent = body(system("a"), system("b", "developer"), USER)
        assert sent["system"] == [text("a"), text("b")]
        assert shown(sent["messages"]) == [("user", ["q"])]

    def test_what_the_system_says_later_keeps_its_place(self) -> None:
        """Few models take the role there; the tags say whose word it is."""
        sent = body(USER, assistant("a"), system("be brief"), {"role": "user", "content": "more"})
        assert shown(sent["messages"]) == [
            ("user", ["q"]),
            ("assistant", ["a"]),
            ("user", ["<system>\nbe brief\n</system>", "more"]),
        ]
        assert "system" not in sent

    def test_a_system_message_between_a_call_and_its_result_stands_after_the_result(self) -> None:
        """Results come first in a user's turn."""
        sent = body(USER, calls_tool(), system("note", "developer"), result(), tools=[LOOK_UP])
        assert shown(sent["messages"])[2] == ("user", ["tool_result", "<system>\nnote\n</system>"])

    def test_messages_of_one_role_are_one_turn(self) -> None:
        """As roles have to alternate."""
        sent = body(USER, {"role": "user", "content": "r"}, assistant("a"), assistant("b"), USER)
        assert shown(sent["messages"]) == [("user", ["q", "r"]), ("assistant", ["a", "b"]), ("user", ["q"])]

    @pytest.mark.parametrize(
        "empty",
        [
            assistant(None, refusal=None),
            assistant(""),
            assistant(" \n"),
            assistant([text("")]),
            assistant(None, tool_calls=[], reasoning_content="hm", audio=None, annotations=[]),
            assistant(None, thinking_blocks=[THOUGHT]),
            {"role": "user", "content": "  "},
            system(""),
        ],
    )
    def test_turns_without_a_word_are_left_out(self, empty: dict[str, Any]) -> None:
        """Anthropic refuses them, and nothing is invented in their place."""
        assert shown(body(USER, empty, {"role": "user", "content": "go on"})["messages"]) == [("user", ["q", "go on"])]

    def test_refusals_are_what_was_said(self) -> None:
        """There is no field for them."""
        sent = body(USER, assistant(None, refusal="no"), USER, assistant([{"type": "refusal", "refusal": "nor"}]), USER)
        assert shown(sent["messages"])[1::2] == [("assistant", ["no"]), ("assistant", ["nor"])]

    def test_a_begun_answer_ends_in_a_word(self) -> None:
        """`final assistant content cannot end with trailing whitespace`."""
        assert shown(body(USER, assistant("So: "))["messages"])[1] == ("assistant", ["So:"])
        assert dropped(USER, assistant("So: ")) == ("messages",)
        assert dropped(USER, assistant("So:")) == ()

    def test_names_of_speakers_are_named_as_left_out(self) -> None:
        """A tool's is no more than its call says."""
        assert dropped({**USER, "name": "Ann"}) == ("name",)
        assert dropped(USER, calls_tool(), result(name="look_up"), tools=[LOOK_UP]) == ()

    def test_halves_of_surrogate_pairs_are_not_sent(self) -> None:
        """They are no text that can be encoded."""
        assert shown(body({"role": "user", "content": "a\ud800"})["messages"]) == [("user", ["a?"])]


class TestMedia:
    """Images and documents."""

    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            (PNG, "image/png"),
            ("data:image/jpg;base64,AA==", "image/jpeg"),
            ("data:IMAGE/GIF;x=y;base64,AA==", "image/gif"),
        ],
    )
    def test_an_image_is_sent_by_its_media_type(self, url: str, kind: str) -> None:
        """`image/jpg` is none, though it is much used."""
        [block] = body(user({"type": "image_url", "image_url": {"url": url}}))["messages"][0]["content"]
        source = {"type": "base64", "media_type": kind, "data": url.partition(",")[2]}
        assert block == {"type": "image", "source": source}

    @pytest.mark.parametrize(
        ("start", "kind"),
        [
            (b"\x89PNG\r\n\x1a\n0000", "image/png"),
            (b"\xff\xd8\xff\xe000000000", "image/jpeg"),
            (b"GIF89a000000", "image/gif"),
            (b"RIFF0000WEBP", "image/webp"),
            (b"RIFF0000WAVE", "image/jpeg"),
        ],
    )
    def test_an_image_is_what_its_bytes_are(self, start: bytes, kind: str) -> None:
        """Clients say `image/jpeg` of screenshots that are PNG, which Anthropic refuses."""
        url = f"data:image/jpeg;base64,{base64.b64encode(start).decode()}"
        [block] = body(user({"type": "image_url", "image_url": {"url": url}}))["messages"][0]["content"]
        assert block["source"]["media_type"] == kind

    def test_the_detail_of_an_image_is_named(self) -> None:
        """There is no word for it."""
        part = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
        assert dropped(user(part)) == ("detail",)
        assert dropped(user({**part, "image_url": {"url": PNG, "detail": "auto"}})) == ()

    def test_a_pdf_is_a_document(self) -> None:
        """With its file's name as the title."""
        [block] = body(user(document(PDF, "a.pdf")))["messages"][0]["content"]
        source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
        assert block == {"type": "document", "source": source, "title": "a.pdf"}

    def test_a_text_file_is_a_document_of_text(self) -> None:
        """Whatever text it is."""
        data = base64.b64encode("für".encode()).decode()
        [block] = body(user(document(f"data:text/csv;base64,{data}")))["messages"][0]["content"]
        assert block == {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "für"}}

    def test_an_image_that_came_as_a_file_is_an_image(self) -> None:
        """Its media type says what it is."""
        assert shown(body(user(document(PNG)))["messages"]) == [("user", ["image"])]

    @pytest.mark.parametrize(
        "url",
        [
            "data:image/bmp;base64,AA==",
            "data:application/zip;base64,AA==",
            "data:text/plain;base64,not base64!",
            "data:text/plain;base64,IA==",
            "data:text/plain,plain",
            "https://example.com/a.pdf",
        ],
    )
    def test_what_cannot_be_read_is_objected_to(self, url: str) -> None:
        """Another model may, and the caller is told which part it is; nothing raises."""
        assert objected(USER, user(text("a"), document(url))) == "messages.1.content.1.file"
        assert shown(body(user(text("a"), document(url)))["messages"]) == [("user", ["a"])]
        assert objected(user({"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA=="}}))

    def test_results_of_tools_may_have_images_and_documents(self) -> None:
        """Other wires have no room for them."""
        content = [text("see"), {"type": "image_url", "image_url": {"url": PNG}}, document(PDF), text(" ")]
        sent = body(USER, calls_tool(), result(content=content), tools=[LOOK_UP])
        [block] = sent["messages"][2]["content"]
        assert [inner["type"] for inner in block["content"]] == ["text", "image", "document"]


class TestOptions:
    """The rest."""

    def test_options_in_anthropics_words(self) -> None:
        """What it has words for."""
        got = request(call(stop="END", top_k=5, temperature=1.5, safety_identifier="p:u", user="u"), streams=False)
        sent = {name: got.body.get(name) for name in ("stop_sequences", "top_k", "temperature", "metadata")}
        assert sent == {"stop_sequences": ["END"], "top_k": 5, "temperature": 1.0, "metadata": {"user_id": "p:u"}}
        assert got.dropped == ("temperature",)

    def test_stop_sequences_of_white_space_are_left_out(self) -> None:
        """`each stop sequence must contain non-whitespace`."""
        got = request(call(stop=["\n", "END"]), streams=False)
        assert (got.body["stop_sequences"], got.dropped) == (["END"], ("stop",))
        assert "stop_sequences" not in body(stop="\n")

    def test_what_has_no_word_is_named(self) -> None:
        """Not in silence, and not sent."""
        options = {"presence_penalty": 1, "seed": 1, "prompt_cache_key": "k", "service_tier": "flex", "store": True}
        got = request(call(**options), streams=False)
        assert (got.dropped, got.body.keys() & options.keys()) == (tuple(sorted(options)), set())

    def test_what_asks_for_nothing_is_not_named(self) -> None:
        """Nulls, and values that say what is so anyway."""
        nothing = {
            "frequency_penalty": 0,
            "logit_bias": None,
            "logprobs": False,
            "modalities": ["text"],
            "n": 1,
            "parallel_tool_calls": True,
            "response_format": {"type": "text"},
            "service_tier": "auto",
            "store": False,
            "top_logprobs": 0,
        }
        got = request(call(**nothing), streams=False)
        assert got.dropped == ()
        assert got.body.keys() == {"model", "max_tokens", "messages"}

    def test_only_the_system_speaks(self) -> None:
        """There is no turn to answer."""
        assert objected(system("a")) == "messages"
        assert objected(system("a"), assistant("")) == "messages"
        assert objected(system("a"), assistant(None, refusal="no")) == ""

    def test_a_begun_answer_where_the_model_takes_none(self) -> None:
        """It would be refused; one of nothing is none."""
        assert objected(USER, assistant("So"), rules=ADAPTIVE) == "messages"
        assert objected(USER, assistant(" "), rules=ADAPTIVE) == ""
        assert objected(USER, assistant("So")) == ""
        assert objected(USER, assistant("So"), response_format=schema_format({"type": "null"})) == "response_format"
        assert objected(USER, assistant("So"), response_format={"type": "json_object"}) == "response_format"
