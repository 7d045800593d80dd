# striate serve: a model over HTTP, on the CPU, by a user who is not root, in a root file system that is only read.
#
#   docker build -t striate .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -p 8000:8000 \
#     -v "$PWD/runs/pets-1:/models:ro" -v "$PWD/token:/run/secrets/striate/token:ro" striate
#
# (The token, 16 characters or more, has to be readable by the user 10001.)
# There is no torch in it, which would be most of it: serving needs none. So it serves models that have their model.onnx
# beside them, and neither trains nor runs striate look; pip check says that torch is missing, and is right.
FROM python:3.11-slim-bookworm AS build
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
WORKDIR /src
RUN python -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir hatchling==1.33.0
RUN /opt/build/bin/python -m hatchling build -t wheel -d /wheels

FROM python:3.11-slim-bookworm
COPY deploy/serve.txt /opt/striate/serve.txt
COPY --from=build /wheels /opt/striate/wheels
RUN python -m venv /opt/striate/venv \
 && /opt/striate/venv/bin/pip install --no-cache-dir --requirement /opt/striate/serve.txt \
 && /opt/striate/venv/bin/pip install --no-cache-dir --no-deps /opt/striate/wheels/striate-*.whl \
 && rm -r /opt/striate/wheels
ENV PATH=/opt/striate/venv/bin:/usr/local/bin:/usr/bin:/bin
# Nothing is written: no bytecode, no cache, no folder of anybody's.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 STRIATE_OFFLINE=1 STRIATE_CACHE=/nonexistent HOME=/nonexistent
WORKDIR /models
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=2)"]
ENTRYPOINT ["striate", "serve", "--host", "0.0.0.0", "--port", "8000", "--token-file", "/run/secrets/striate/token"]
CMD ["/models/model.safetensors"]
