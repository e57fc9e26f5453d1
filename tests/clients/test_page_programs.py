"""The programs of docs/clients, as they are copied from there: each runs, with the gateway's address and key."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.clients.conftest import FRAMEWORKS, HERE
from tests.documents.selections import CLIENT_PROGRAMS
from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]

ENDS = {
    "docs/clients/ai-sdk.md": "const other = await generateText({ model: anthropic('fast'), prompt: 'Say hello' });\n"
    "console.log(text, other.text);\n",
    "docs/clients/anthropic-sdk.md": "print(message.content[0].text)\n",
    "docs/clients/langchain.md": "for model in (fast, codex, claude):\n    print(model.invoke('Say hello').text)\n",
    "docs/clients/mcp.md": "import asyncio\n\n\nasync def main():\n    await agent()\n"
    "    print([tool.name for tool in await gateway.list_tools()])\n    await gateway.cleanup()\n\n\n"
    "asyncio.run(main())\n",
    "docs/clients/openai-agents.md": "",
    "docs/messages.md": "print(message.content[0].text)\n",
}
"""What a reader goes on with where a program ends with what it has made."""


@pytest.mark.parametrize("fence", CLIENT_PROGRAMS, ids=lambda fence: fence.name)
def test_a_program_of_the_page_runs(request, gateway, tmp_path, fence):
    """It prints what the model, or the gateway's list of tools, says."""
    url = str(gateway.base_url).rstrip("/")
    code = re.sub(r"https://gateway\.example\.com(/live)?", url, fence.code).replace("gk_...", KEY)
    code = code.replace("\nclient.messages", "\nmessage = client.messages") + ENDS[fence.page]
    if fence.language == "js":
        # Modules are found from where the program is.
        place = HERE / f"page_{os.getpid()}.mjs"
        request.addfinalizer(lambda: place.unlink(missing_ok=True))
        command = [request.getfixturevalue("node"), str(place)]
    else:
        place = tmp_path / "program.py"
        command = [str(FRAMEWORKS), str(place)]
    place.write_text(code)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GATEWAY_KEY": KEY, "LANGSMITH_TRACING": "false"}
    done = subprocess.run(
        command, env=environ, cwd=place.parent, capture_output=True, text=True, timeout=patience(100), check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Say hello" in done.stdout or "litellm_batch_ask" in done.stdout
