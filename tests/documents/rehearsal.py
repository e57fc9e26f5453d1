"""A place to type what the documents say to operators: commands are the real ones, AWS and the gateway are on loopback.

`aws` is AWS's own command line before moto, `git` has a repository of its own, `make deploy` is dry and every other
target is only looked up. What is typed to `sam` is kept, for its own parser to read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.documents.fences import ROOT, Fence, fences
from tests.patience import patience

AWS = ROOT / ".tools/docs/bin/aws"
UPSTASH = "https://api.upstash.com/v2/redis/database"
MACHINE = "https://ID.execute-api.eu-central-1.amazonaws.com/live"
_GIT = """
git init -q --bare origin.git
git clone -q origin.git project 2>/dev/null
cd project
git checkout -q -b main
mkdir -p tests/wires .venv && echo x >tests/wires/expected.yaml && printf '.venv\\n*.json\\n*.yaml\\n' >.gitignore
git add -f . && git commit -qm 'Begin' && git tag v1.2.3 && git push -q --tags -u origin main
"""
_PROGRAMS = {
    # Version 2 alone has `logs tail`; it prints lines of the log, which some other command reads.
    "aws": """case "$1 $2" in
        "logs tail") [ "$*" = "logs tail GROUP --since 2d --format short" ] && exec cat gateway.log; exit 252 ;;
        esac
        exec "$REHEARSAL_AWS" --endpoint-url "$AWS_ENDPOINT_URL" "$@" """,
    "make": """case "$1" in deploy) dry=DRY=1 ;; *) dry=-n ;; esac
        exec "$REHEARSAL_MAKE" -s -C "$REHEARSAL_ROOT" -o .venv/.synced $dry "$@" """,
    # Commands of Upstash's own, which Valkey does not have, are answered as Upstash documents them.
    "curl": """case "$*" in
        *'["ACL", "GENTOKEN", "gateway2"]') echo '{"result": "a-token"}' ;;
        *'["ACL", "SETUSER", "gateway2", "on", "~*", "+@all", ">a-token"]') echo '{"result": "OK"}' ;;
        *) exec "$REHEARSAL_CURL" -sS --fail-with-body "$@" ;;
        esac""",
    "gateway": """exec "$REHEARSAL_PYTHON" -c \\
        'from gateway_core.cli.main import main; raise SystemExit(main())' "$@" """,
    "python": 'cd "$REHEARSAL_ROOT" && exec "$REHEARSAL_PYTHON" "$@"',
    "python3": 'exec "$REHEARSAL_PYTHON" "$@"',
    "sam": """{ pwd; for word; do printf '%s\\n' "$word"; done; echo; } >>"$REHEARSAL_SAM" """,
    # A build takes minutes; another suite has it. This is what it takes for an argument.
    "build.sh": 'case "$*" in x86_64 | arm64) ;; *) exit 2 ;; esac',
    # Once; afterwards it is enough that it is called as before.
    "smoke.sh": """case "$1 $2" in http*\\ gk_*) ;; *) exit 2 ;; esac
        mkdir "$HOME/smoked" 2>/dev/null || exit 0
        exec sh "$REHEARSAL_ROOT/scripts/smoke.sh" -p '[[pace=50]] one two three four five six seven' "$@" """,
    "dex-local-runner": 'exec "$REHEARSAL_DEX" "$@" --help',
}


@dataclass(frozen=True)
class Rehearsal:
    """`places` are the texts that a reader replaces, with what is here instead; `environ` is what is set beforehand."""

    home: Path
    places: Mapping[str, str]
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """The folder in which commands are typed."""
        return self.home / "project"

    @property
    def typed_to_sam(self) -> list[tuple[Path, list[str]]]:
        """Each command's folder and words."""
        kept = self.home / "sam"
        parts = kept.read_text().split("\n\n")[:-1] if kept.exists() else []
        return [(Path(lines[0]), lines[1:]) for lines in (part.splitlines() for part in parts)]

    def prepare(self) -> None:
        """Make the programs, and a repository to type in."""
        programs = self.home / "bin"
        programs.mkdir()
        for name, code in _PROGRAMS.items():
            (programs / name).write_text(f"#!/bin/sh\n{code}\n")
            (programs / name).chmod(0o755)
        self.type(_GIT, self.home)
        (self.project / ".venv/bin").symlink_to(programs)
        (self.project / "events").symlink_to(ROOT / "events")
        (self.project / "scripts").mkdir()
        for script in ROOT.glob("scripts/*.*"):
            (self.project / "scripts" / script.name).symlink_to(
                programs / script.name if script.name in _PROGRAMS else script
            )
        (self.home / "backlog").mkdir()
        (self.project / "gateway.log").write_text("a line that tells of no usage\n")
        (self.home / "database.json").write_text('{"endpoint": "name.upstash.io", "rest_token": "token"}')
        (self.home / "config").write_text("[default]\ncli_follow_urlparam = false\n")  # as in version 2

    def run(self, fence: Fence) -> str:
        """What the block prints, with the files that its page says to write. Fails with what it complains of."""
        self.type("git checkout -q main", self.project)
        for name, text in _files_of(fence).items():
            (self.project / name).write_text(text)
        code = fence.code
        own = {"/data/backlog": str(self.home / "backlog"), UPSTASH: f"file://{self.home}/database.json"}
        for place, real in {**self.places, **own}.items():
            code = code.replace(place, real)
        return self.type(code, self.project)

    def type(self, code: str, folder: Path) -> str:
        """What the shell prints."""
        done = subprocess.run(
            ["/bin/sh", "-ec", code],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=patience(60),
            check=False,
        )
        assert done.returncode == 0, (code, done.stdout, done.stderr)
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """Of whatever is typed."""
        found = {f"REHEARSAL_{name.upper()}": shutil.which(name) or name for name in ("make", "curl")}
        who = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        return {
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(self.home),
            "AWS_CONFIG_FILE": str(self.home / "config"),
            # Nothing leaves this machine, whatever a client thinks of an address.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1,localhost",
            "GATEWAY_BACKLOG": str(self.home / "backlog"),
            "REHEARSAL_AWS": str(AWS),
            "REHEARSAL_DEX": str(Path(sys.executable).with_name("dex-local-runner")),
            "REHEARSAL_PYTHON": sys.executable,
            "REHEARSAL_ROOT": str(ROOT),
            "REHEARSAL_SAM": str(self.home / "sam"),
            **found,
            **who,
            **self.environ,
        }


def _files_of(fence: Fence) -> dict[str, str]:
    """What the commands read: the page's nearest block of configuration above, and of JSON beside."""
    here = [other for other in fences() if other.page == fence.page]
    above = [other.code for other in here if other.language == "yaml" and other.line < fence.line]
    files = {"config.yaml": above[-1] if above else "default_output_cap: 4096\n"}
    for name, member in (("env.json", '"Parameters"'), ("trust.json", '"Statement"')):
        found = [other.code for other in here if other.language == "json" and member in other.code]
        if found:
            files[name] = found[0]
    return files
