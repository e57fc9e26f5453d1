"""One attempt at a provider over HTTP: sent once, and judged by what really came back.

`transport` sends and notes in an `exchange` what happened; `classify` judges by that, with what `gateway_core.wires`
knows of the provider. Of a stream `watch` sees every event as it passes; `streams` hands their content on.
"""
