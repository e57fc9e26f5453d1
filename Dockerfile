# The whole gateway in one container. docs/docker.md says how to run it.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/container.txt requirements/
# No wheel of these is a source distribution, so nothing is compiled here and nothing but the hashes is trusted.
RUN python -m venv /venv \
    && /venv/bin/pip install --quiet --no-cache-dir --no-compile --no-deps --only-binary :all: --require-hashes \
       -r requirements/container.txt \
    && rm -rf /venv/lib/python3.13/site-packages/pip*
COPY layers/gateway_core/src/gateway_core /venv/lib/python3.13/site-packages/gateway_core
COPY local /app/local
COPY functions /app/functions
RUN find /venv/bin -type f -delete \
    && printf '%s\n' '#!/venv/bin/python' 'import sys' 'from gateway_core.cli.main import main' 'sys.exit(main())' \
       > /venv/bin/gateway \
    && printf '%s\n' '#!/bin/sh' 'cd /app && exec python -m local.stdio' > /venv/bin/mcp \
    && chmod 755 /venv/bin/gateway /venv/bin/mcp \
    && rm -rf /app/functions/*/Makefile /app/functions/*/platforms /app/functions/*/requirements.txt \
    && /venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /venv/lib /app

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin gateway \
    && mkdir /data && chown gateway /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LITELLM_LOCAL_MODEL_COST_MAP=True \
    HOST=0.0.0.0 PORT=8787 DRAIN_S=25 LOCAL_STORE_DIR=/data LOG_FORMAT=json
WORKDIR /app
USER gateway
VOLUME /data
EXPOSE 8787
# `docker run -i IMAGE mcp` speaks MCP over stdio instead, and serves no port.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-m", "local.healthcheck"]
CMD ["python", "-m", "local"]
