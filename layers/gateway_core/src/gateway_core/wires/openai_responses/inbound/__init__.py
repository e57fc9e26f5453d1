"""The caller's side of OpenAI's Responses: its requests in the chat form, and answers in its words. Pure.

`reading` makes the chat form of a request, which every other wire can say; `response` and `events` put an answer that
came on another wire into items and events, `relayed` an answer that came on this one under the gateway's names.
"""
