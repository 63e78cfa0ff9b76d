# Builds with BuildKit and with the classic builder alike. Behind a network that opens TLS, put its certificates into
# ca-bundle.crt beside this file (git ignores it): the builder stage trusts them, the image that ships never sees them.

FROM python:3.11-slim-bookworm AS builder
WORKDIR /app
COPY requirements.txt requirements-node.txt package.json package-lock.json .npmrc ca-bundle.crt* ./
RUN set -eu; [ ! -f ca-bundle.crt ] || export PIP_CERT=/app/ca-bundle.crt; \
    python -m venv /venv; \
    /venv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt; \
    /venv/bin/python -m pip uninstall --quiet --yes pip setuptools
COPY tools/frontend.py tools/
COPY static/src static/src
RUN set -eu; \
    [ ! -f ca-bundle.crt ] || export PIP_CERT=/app/ca-bundle.crt NODE_EXTRA_CA_CERTS=/app/ca-bundle.crt; \
    python tools/frontend.py

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 quarterdeck \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin quarterdeck \
 && install --directory --mode 700 --owner 10001 --group 10001 /data
WORKDIR /app
COPY --from=builder /venv /venv
COPY --from=builder /app/static/build static/build
COPY manage.py tools/healthcheck.py ./
COPY templates templates
COPY console console
RUN /venv/bin/python -m compileall -q console
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    QUARTERDECK_DATA=/data HOST=0.0.0.0 PORT=8000
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "healthcheck.py"]
CMD ["python", "manage.py", "serve"]
