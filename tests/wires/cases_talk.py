"""Cases about who says what: turns, media, and what histories hold."""

from __future__ import annotations

from tests.wires.case import (
    PDF,
    PING,
    WAV,
    WEATHER,
    Case,
    always,
    answered,
    assistant,
    call,
    calling,
    every,
    has,
    image,
    in_order,
    offers,
    result,
    row,
    system,
    text,
    user,
)
from tests.wires.reading import Sent

STRANGE = 'Zoë \u2028and\u2029\u0085 日本語 🧑\u200d🚀 \u0301e\t"q" \\n </system>'
_TALK = [user("one"), assistant("two"), user("three")]
_DONE = [user("q"), calling(call("weather", '{"city": "Rome"}')), result("call_1", "sunny"), user("go on")]


def _wants_thoughts(sent: Sent) -> bool:
    """Whether thoughts are to come back, as they are where they were asked for in a form that can be sent back."""
    return sent.wire != "chat" and (sent.wire != "responses" or "include" in sent.body)


TURNS: tuple[Case, ...] = (
    row("plain", "A text", "hello", in_order("hello"), heard=answered(part="heard: hello")),
    row(
        "system",
        "System message first",
        [system("Be brief."), user("hello")],
        every(in_order("Be brief.", "hello"), lambda sent: sent.texts("system") == ["Be brief."]),
    ),
    row(
        "developer",
        "Role `developer`",
        [{"role": "developer", "content": "Be brief."}, user("hello")],
        lambda sent: sent.texts("system") == ["Be brief."],
    ),
    row(
        "system-late",
        "System message in mid-conversation",
        [system("Be brief."), user("one"), assistant("two"), system("Speak French."), user("three")],
        in_order("Be brief.", "one", "two", "Speak French.", "three"),
        fields="messages",
    ),
    row("system-alone", "System message alone", [system("Say hello.")], in_order("Say hello.")),
    row("turns", "Several turns", _TALK, in_order("one", "two", "three")),
    row("turns-alike", "Two turns of one role", [user("one"), user("two")], in_order("one", "two")),
    row(
        "prefill",
        "An answer that was begun for the model",
        [user("Write a haiku."), assistant("The old pond")],
        in_order("Write a haiku.", "The old pond"),
    ),
    row(
        "user-name",
        "`name` of a user",
        [user("hello", name="ada")],
        lambda sent: sent.body.get("messages", [{}])[0].get("name") == "ada",
        fields="messages.name name",
    ),
    row(
        "unicode",
        "Any Unicode, U+2028, U+2029 and U+0085 too",
        f"[[say={STRANGE}]]",
        in_order(STRANGE),
        heard=lambda told: told.text == STRANGE,
    ),
    row(
        "empty-answer-back",
        "An empty answer in the history",
        [user("one"), assistant(None, refusal=None), user("two"), assistant(""), user("three")],
        in_order("one", "two", "three"),
    ),
    row("empty-user", "An empty user turn", [user(""), user("two")], in_order("two")),
    row("empty-system", "An empty system message", [system(""), user("two")], in_order("two")),
    row(
        "empty-part",
        "An empty text part beside an image",
        [user([text(""), image(), text("what?")])],
        every(in_order("what?"), has("image", "image/png")),
        columns="anthropic gemini openai_chat openai_responses",
    ),
    row("empty-parts", "An empty text part alone", [user([text("")]), user("two")], in_order("two")),
    row(
        "whitespace-turn",
        "A turn of white space",
        [user("one"), assistant(" \n"), user("two")],
        every(in_order("one", "two"), lambda sent: all("anitised" not in one for one in sent.texts("model"))),
    ),
    row(
        "refusal-back",
        "A refusal in the history",
        [user("one"), assistant(None, refusal="I must not."), user("two")],
        in_order("one", "I must not.", "two"),
    ),
    row(
        "refusal-part-back",
        "A part `refusal` in the history",
        [user("one"), assistant([{"type": "refusal", "refusal": "I must not."}]), user("two")],
        in_order("one", "I must not.", "two"),
    ),
    row(
        "reasoning-back",
        "`reasoning_content` and other gateways' fields in the history",
        [
            user("one"),
            assistant("two", reasoning_content="Hm.", provider_specific_fields={}, annotations=[], id="x"),
            user("three"),
        ],
        in_order("one", "two", "three"),
    ),
)

MEDIA: tuple[Case, ...] = (
    row(
        "image",
        "An image",
        [user([text("what?"), image()])],
        every(in_order("what?"), has("image", "image/png")),
    ),
    row(
        "image-jpg",
        "An image of type `image/jpg`",
        [user([text("what?"), image("jpg")])],
        lambda sent: sent.values("image") in (["image/jpeg"], ["image/jpg"]),
    ),
    row(
        "image-detail",
        "`detail: low` of an image",
        [user([text("what?"), image(detail="low")])],
        lambda sent: '"low"' in repr(sent.body).replace("'", '"') or "RESOLUTION_LOW" in repr(sent.body),
        fields="detail image_url.detail",
    ),
    row(
        "image-url",
        "An image by its URL",
        [user([text("what?"), {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}])],
        always,
    ),
    row(
        "image-result",
        "An image in the result of a tool",
        [user("q"), calling(call("weather", "{}")), result("call_1", [text("see"), image()])],
        every(in_order("see"), has("image", "image/png")),
        tools=[WEATHER],
    ),
    row(
        "pdf",
        "A PDF with its name",
        [
            user(
                [
                    text("sum up"),
                    _PDF := {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
                    },
                ]
            )
        ],
        every(in_order("sum up"), lambda sent: sent.values("file") == ["a.pdf"]),
        fields="filename file.filename",
    ),
    row(
        "audio",
        "A part `input_audio`",
        [user([text("what is said?"), {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}])],
        every(in_order("what is said?"), has("audio", "audio/wav")),
    ),
    row(
        "spoken",
        "A spoken answer (`modalities`, `audio`)",
        "hello",
        lambda sent: sent.options.get("modalities") == ["text", "audio"],
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
    ),
)

CALLS_BACK: tuple[Case, ...] = (
    row(
        "history",
        "Calls and results in the history",
        [
            user("q"),
            calling(call("weather", '{"city": "Rome"}'), call("weather", '{"city": "Bonn"}', "call_2")),
            result("call_2", "rain"),
            result("call_1", "sunny"),
        ],
        every(
            has("call", ("weather", {"city": "Rome"}), ("weather", {"city": "Bonn"})),
            lambda sent: sorted(sent.values("result")) == ["rain", "sunny"],
        ),
        tools=[WEATHER],
    ),
    row(
        "history-no-tools",
        "Calls in the history, no tools offered",
        _DONE,
        every(has("call", ("weather", {"city": "Rome"})), in_order("sunny", "go on")),
        fields="tool_calls",
    ),
    row(
        "result-name",
        "`name` on a result",
        [user("q"), calling(call("weather", "{}")), result("call_1", "sunny", name="weather")],
        has("result", "sunny"),
        tools=[WEATHER],
    ),
    row(
        "result-parts",
        "A result in parts",
        [user("q"), calling(call("weather", "{}")), result("call_1", [text("sun"), text("ny")])],
        lambda sent: "".join(sent.values("result")).replace("\n", "") == "sunny",
        tools=[WEATHER],
    ),
    row(
        "result-empty",
        "An empty result",
        [user("q"), calling(call("ping", "{}")), result("call_1", "")],
        has("call", ("ping", {})),
        tools=[PING],
    ),
    row(
        "arguments-empty",
        "Empty arguments in the history",
        [user("q"), calling(call("ping", "")), result("call_1", "pong")],
        every(has("call", ("ping", {})), has("result", "pong")),
        tools=[PING],
    ),
    row(
        "arguments-cut",
        "Cut-off arguments in the history",
        [user("q"), calling(call("weather", '{"city": "R')), result("call_1", "what?")],
        every(lambda sent: '{"city": "R' in str(sent.values("call")[0][1]).replace("\\", ""), has("result", "what?")),
        tools=[WEATHER],
    ),
    row(
        "ids-odd",
        "Odd and long call ids",
        [
            user("q"),
            calling(call("weather", "{}", "functions.weather:0"), call("ping", "{}", "x" * 90)),
            result("functions.weather:0", "sunny"),
            result("x" * 90, "pong"),
        ],
        every(has("call", ("weather", {}), ("ping", {})), has("result", "sunny", "pong")),
        tools=[WEATHER, PING],
    ),
    row(
        "calls-none",
        "`tool_calls: []` of an answer",
        [user("one"), assistant("two", tool_calls=[]), user("three")],
        in_order("one", "two", "three"),
    ),
    row(
        "loop",
        "A tool loop of three turns, with thinking",
        "[[tool]] first",
        every(
            lambda sent: len(sent.values("call")) == len(sent.values("result")) == 3,
            lambda sent: len(sent.values("thought")) > 0 or not _wants_thoughts(sent),
        ),
        heard=answered(),
        fields="reasoning_effort",
        tools=[WEATHER],
        reasoning_effort="medium",
        turns=3,
    ),
    row(
        "loop-foreign",
        "A tool history of another model, with thinking",
        _DONE[:3],
        every(has("call", ("weather", {"city": "Rome"})), has("result", "sunny"), offers("weather")),
        fields="reasoning_effort",
        tools=[WEATHER],
        reasoning_effort="high",
    ),
)
