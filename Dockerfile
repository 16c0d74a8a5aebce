# The ledger, installed by the hashed lock exactly as `make run` does it, without a compiler and without root.
#
#   docker build -t evidence-ledger .                        # files in a directory
#   docker build -t evidence-ledger --build-arg EXTRA=s3 .   # or in an S3-compatible bucket too
#   docker run --rm -v ledger:/data evidence-ledger init --data /data --origin NAME
#   docker run -d -p 127.0.0.1:8080:8080 -v ledger:/data evidence-ledger
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS build
# An extra of pyproject.toml that has a lock of its own: s3.
ARG EXTRA=
WORKDIR /source
RUN python -m venv /opt/ledger
ENV PATH=/opt/ledger/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
COPY requirements-build.lock requirements.lock requirements-s3.lock ./
RUN pip install --no-deps --require-hashes -r requirements-build.lock \
 && pip install --no-deps --require-hashes --no-build-isolation -r "requirements${EXTRA:+-$EXTRA}.lock"
COPY . .
RUN pip install --no-deps --no-build-isolation . \
 && pip uninstall --yes setuptools wheel pip

FROM python:${PYTHON}-slim-bookworm
# A fixed number, so that a volume's owner means the same on every host.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin ledger \
 && install --directory --owner=ledger --group=ledger --mode=0700 /data /kept
COPY --from=build /opt/ledger /opt/ledger
ENV PATH=/opt/ledger/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER ledger
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["evidence-ledger"]
CMD ["serve", "--data", "/data", "--host", "0.0.0.0", "--port", "8080"]
