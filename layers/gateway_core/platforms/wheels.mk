# Installs the packages in requirements.txt for MACHINE into OUT, which is AT on Lambda. `sam build` runs make in a copy
# of the Makefile's folder and does not tell it the processor: the template does, by the folder that it takes the first
# Makefile from (ContextPath).
ifndef MACHINE
$(error MACHINE is not set: take platforms/arm64/Makefile or platforms/x86_64/Makefile)
endif

SHELL := /bin/sh
OUT = $(ARTIFACTS_DIR)/python
AT = /opt/python
VERSION := 3.13
# A pyenv shim on PATH may exist and fail, so a candidate counts only when it runs.
CANDIDATES := $(PYTHON) python$(VERSION) $(wildcard $(HOME)/.pyenv/versions/$(VERSION)*/bin/python) python3 python
first = $(shell for found in $(CANDIDATES); do "$$found" -c '$(1)' 2>/dev/null && echo "$$found" && break; done)
# Files in .pyc belong to one minor version: none are better than those of another.
COMPILER = $(call first,import sys; assert sys.version_info[:2] == (3, 13))
PIP = $(call first,import pip)
UV ?= $(shell command -v uv 2>/dev/null)

# pip, unlike uv, takes a platform to the letter, and a wheel names the oldest glibc that it runs with.
TAGS := $(addsuffix _$(MACHINE),$(addprefix manylinux,_2_28 _2_27 _2_26 _2_24 _2_17 2014))
WANTED = --only-binary :all: --require-hashes --no-deps --target "$(OUT)" -r requirements.txt
WITH_UV = "$(UV)" pip install -q --python-version $(VERSION) --python-platform $(MACHINE)-manylinux_2_28 $(WANTED)
WITH_PIP = "$(PIP)" -m pip install -q --disable-pip-version-check --no-compile --python-version $(VERSION) \
	--implementation cp $(addprefix --platform ,$(TAGS)) $(WANTED)

define install
mkdir -p "$(OUT)"
$(if $(UV),$(WITH_UV),$(if $(PIP),$(WITH_PIP),$(error No uv and no Python with pip was found)))
rm -rf "$(OUT)/bin" "$(OUT)/.lock"
endef

# Lambda's files are read-only: what is not compiled here is compiled at each cold start, and as nobody edits them, the
# interpreter need not look at the sources.
define compile
find "$(OUT)" -name __pycache__ -prune -exec rm -rf {} +
$(if $(COMPILER),"$(COMPILER)" -m compileall -q -j 0 --invalidation-mode unchecked-hash -s "$(OUT)" -p $(AT) \
	"$(OUT)",echo "No Python $(VERSION) was found: without .pyc files cold starts take two to four times as long." >&2)
endef
