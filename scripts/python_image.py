"""Provide the image that the Dockerfile starts from, and say which it is.

Docker's own is pulled where its registry answers. Elsewhere one of the same shape is made: a small Debian with the
interpreter behind this environment under /usr/local. Needs root on Debian, mmdebstrap and a Docker daemon.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.lambda_image import CERTIFICATES, run

IMAGE = "python:3.13-slim"
LIBRARIES = "libssl3,libffi8,libsqlite3-0,zlib1g,libbz2-1.0,liblzma5,libreadline8,libexpat1,libuuid1"
PACKAGES = f"{LIBRARIES},ca-certificates,netbase,tzdata"
LIBRARY, PROGRAM = "lib/python3.13", "bin/python3.13"
LEFT_OUT = shutil.ignore_patterns("test", "tests", "idlelib", "config-*", "*.a", "__pycache__", "site-packages")
SETTINGS = (
    "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV LANG=C.UTF-8",
    'CMD ["python3"]',
)


def main() -> None:
    """Print how the image came about. Ends with a message where none can be made."""
    if run("docker", "image", "inspect", IMAGE).returncode == 0:
        print(f"{IMAGE} is here already.")
    elif run("timeout", "300", "docker", "pull", "-q", IMAGE).returncode == 0:
        print(f"{IMAGE} was pulled.")
    else:
        make()
        print(
            f"{IMAGE} was made from Debian and this machine's Python {platform.python_version()}: no registry answers."
        )


def make() -> None:
    """Import a Debian with Python as the image."""
    if sys.version_info[:2] != (3, 13) or os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        sys.exit("Without a registry, the base image is made by root, with mmdebstrap and Python 3.13; one is missing.")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        subprocess.run(
            ("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", release(), root), check=True
        )
        add_python(root)
        import_image(root)


def release() -> str:
    """The Debian of this machine: its libraries are what the interpreter was built with."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def add_python(root: Path) -> None:
    """The interpreter with pip, where Docker's own image has it."""
    local = root / "usr/local"
    shutil.copytree(Path(sys.base_prefix, LIBRARY), local / LIBRARY, ignore=LEFT_OUT, symlinks=True)
    shutil.copy2(Path(sys.base_prefix, PROGRAM).resolve(), local / PROGRAM)
    for shared in Path(sys.base_prefix, "lib").glob("libpython3.13.so*"):
        shutil.copy2(shared, local / "lib", follow_symlinks=False)
    subprocess.run(("ldconfig", "-r", root), check=True)
    for name in ("python", "python3"):
        (local / "bin" / name).symlink_to("python3.13")
    packages = Path(sys.base_prefix, LIBRARY, "site-packages")
    for found in packages.glob("pip*"):
        shutil.copytree(found, local / LIBRARY / "site-packages" / found.name)
    # The authorities that this machine trusts, some of which may be its owner's.
    shutil.copy2(CERTIFICATES.resolve(), root / CERTIFICATES.relative_to("/"))


def import_image(root: Path) -> None:
    """A root file system as an image."""
    changes = [part for setting in SETTINGS for part in ("--change", setting)]
    archive = subprocess.Popen(
        ("tar", "-C", root, "--numeric-owner", "--exclude=./dev/*", "-cf", "-", "."), stdout=subprocess.PIPE
    )
    subprocess.run(
        ("docker", "import", *changes, "-", IMAGE), stdin=archive.stdout, stdout=subprocess.DEVNULL, check=True
    )
    if archive.wait():
        sys.exit("tar could not read the image's files.")


if __name__ == "__main__":
    main()
