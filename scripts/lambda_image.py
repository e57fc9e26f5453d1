"""Provide the image that `sam local` runs functions in, and say which it is.

AWS's own is pulled where its registry answers. Elsewhere one of the same shape is made, from the interpreter behind
this environment and what it needs of this machine: Python in /var/lang, awslambdaric and boto3 in /var/runtime, and the
few programs that SAM's generated Dockerfile calls. Needs Linux, Python 3.13 and a Docker daemon.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

REGISTRY = "public.ecr.aws"
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")
IMAGE = f"{REGISTRY}/lambda/python:3.13-{MACHINE}"
PROGRAMS = ("sh", "mv", "cp", "rm", "chmod", "ls", "cat", "mkdir", "env", "sleep", "ln", "true")
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py", "boto3", "botocore", "s3transfer", "jmespath")
RUNTIME_TOO = ("python-dateutil", "six", "urllib3")
LEFT_OUT = shutil.ignore_patterns(
    "test", "tests", "idlelib", "ensurepip", "config-*", "*.a", "__pycache__", "site-packages"
)
# What is loaded by name, and what wheels expect of every Linux (PEP 600).
LIBRARIES_TOO = (
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libresolv.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libdl.so.2",
)
LIBRARIES_OF_WHEELS = ("libutil.so.1", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
VARIABLES = {
    "LANG": "en_US.UTF-8",
    "TZ": ":/etc/localtime",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "SSL_CERT_FILE": str(CERTIFICATES),
}
SETTINGS = (
    *(f"ENV {name}={value}" for name, value in VARIABLES.items()),
    "WORKDIR /var/task",
    'ENTRYPOINT ["/lambda-entrypoint.sh"]',
)
BOOTSTRAP = """#!/bin/sh
export AWS_EXECUTION_ENV="${AWS_EXECUTION_ENV:-AWS_Lambda_python3.13}"
exec ${AWS_LAMBDA_EXEC_WRAPPER:-} /var/lang/bin/python3.13 /var/runtime/bootstrap.py
"""
# The managed runtime's entry: the function first, then the layers, then what the runtime brings.
BOOTSTRAP_PY = """import os, sys
from awslambdaric.__main__ import main
sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], "/opt/python/lib/python3.13/site-packages", "/opt/python"]
main(["bootstrap.py", os.environ["_HANDLER"]])
"""
ENTRYPOINT = '#!/bin/sh\nexport _HANDLER="$1"\nexec /var/runtime/bootstrap\n'


def main() -> None:
    """Print how the image came about. Ends with a message where none can be made."""
    if run("docker", "image", "inspect", IMAGE).returncode == 0:
        print(f"{IMAGE} is here already.")
    elif registry_answers() and run("docker", "pull", "-q", IMAGE).returncode == 0:
        print(f"{IMAGE} was pulled.")
    else:
        make()
        print(f"{IMAGE} was made from this machine's Python {platform.python_version()}: no registry answers.")


def registry_answers() -> bool:
    """Whether AWS's public registry is reachable."""
    try:
        with urlopen(f"https://{REGISTRY}/v2/", timeout=5):
            return True
    except URLError as error:
        return hasattr(error, "code")  # it answers, and wants a token
    except OSError:
        return False


def make() -> None:
    """Import a root file system as the image."""
    if sys.version_info[:2] != (3, 13) or not MACHINE:
        sys.exit("The image for `sam local` is made from Python 3.13 on x86-64 or arm64 Linux, and this is none.")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill(root)
        changes = [part for setting in SETTINGS for part in ("--change", setting)]
        archive = subprocess.Popen(
            ("tar", "-C", root, "--owner=0", "--group=0", "-cf", "-", "."), stdout=subprocess.PIPE
        )
        subprocess.run(
            ("docker", "import", *changes, "-", IMAGE), stdin=archive.stdout, stdout=subprocess.DEVNULL, check=True
        )
        if archive.wait():
            sys.exit("tar could not read the image's files.")


def fill(root: Path) -> None:
    """Everything that the image has."""
    root.chmod(0o755)
    for name in ("tmp", "dev", "proc", "sys", "opt", "var/task", "var/rapid", "var/runtime", "bin", "etc"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    library, program = "lib/python3.13", "bin/python3.13"
    shutil.copytree(f"{sys.base_prefix}/{library}", root / "var/lang" / library, ignore=LEFT_OUT, symlinks=True)
    copy_to_same_place(Path(sys.base_prefix, program), root / "var/lang", Path(sys.base_prefix))
    for name in (*RUNTIME, *RUNTIME_TOO):
        copy_distribution(name, root / "var/runtime")
    for name in PROGRAMS:
        shutil.copy2(shutil.which(name) or sys.exit(f"There is no {name} here."), root / "bin" / name)
    for library in libraries(root):
        copy_to_same_place(library, root)
    copy_to_same_place(CERTIFICATES, root)
    write_texts(root)


def copy_distribution(name: str, target: Path) -> None:
    """An installed package's files, without programs."""
    for file in distribution(name).files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(file.locate()), target / file)


def libraries(root: Path) -> set[Path]:
    """The shared libraries that the files below `root` load, wherever this machine has them."""
    binaries = [*(root / "bin").iterdir(), *(root / "var/lang/bin").glob("python3.13"), *root.rglob("*.so*")]
    told = "".join(
        subprocess.run(("ldd", path), capture_output=True, text=True, check=False).stdout for path in binaries
    )
    found = {Path(word) for word in told.split() if word.startswith("/") and not word.startswith(str(root))}
    folder = next(path.parent for path in found if path.name.startswith("libc.so"))
    return {
        path for path in (*found, *(folder / name for name in (*LIBRARIES_TOO, *LIBRARIES_OF_WHEELS))) if path.is_file()
    }


def copy_to_same_place(path: Path, root: Path, start: Path = Path("/")) -> None:
    """What a link points to, under the link's name."""
    target = root / path.relative_to(start)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path.resolve(), target)


def write_texts(root: Path) -> None:
    """Accounts, name service, and the programs that start a function."""
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    (root / "var/runtime/bootstrap.py").write_text(BOOTSTRAP_PY)
    for name, text in (("var/runtime/bootstrap", BOOTSTRAP), ("lambda-entrypoint.sh", ENTRYPOINT)):
        (root / name).write_text(text)
        (root / name).chmod(0o755)


def run(*command: str) -> subprocess.CompletedProcess[bytes]:
    """Run it quietly."""
    return subprocess.run(command, capture_output=True, check=False)


if __name__ == "__main__":
    main()
