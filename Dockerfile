# A node of stranger-chat. Two stages: what installs it stays behind.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
WORKDIR /src
# Without pip in it: the image has nothing to install with.
RUN python -m venv --without-pip /opt/chat
COPY pyproject.toml README.md LICENSE ./
COPY chat ./chat
# Wheels only: where one is missing for a platform, better no image than one made with a compiler.
# hadolint ignore=DL3013 # the project itself, from this directory: there is no version to pin
RUN pip --python /opt/chat/bin/python install --no-cache-dir --only-binary :all: '.[fast]'

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="stranger-chat" \
      org.opencontainers.image.description="Anonymous chat with a stranger: one node" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/chat /opt/chat
ENV PATH=/opt/chat/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CHAT_HOST=0.0.0.0 \
    CHAT_PORT=8000
# By number, so that Kubernetes can tell that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['CHAT_PORT']}/healthz\", timeout=2)"]
# Exec form: SIGTERM reaches the node itself, which then lets its people go in order.
ENTRYPOINT ["chat"]
CMD ["serve"]
