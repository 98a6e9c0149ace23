# The image of the web server. docker-compose.yml also runs the workers, beat and the migration from it.

# The digest is that of the index of all platforms. CONTRIBUTING.md describes how to use a newer image.
ARG PYTHON_IMAGE=python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
# pip gets an environment that is not copied into the image.
RUN python -m venv /pip && python -m venv --without-pip /venv
COPY requirements.txt /
# All texts are in English, so the translations of other packages are never read.
RUN /pip/bin/pip --python /venv/bin/python install --no-cache-dir --no-deps --only-binary :all: --require-hashes \
    -r /requirements.txt \
    && find /venv -path '*/locale/*' \( -name '*.po' -o -name '*.mo' ! -path '*/locale/en/*' \) -delete
COPY manage.py ./
COPY foundation foundation
COPY accounts accounts
COPY batches batches
COPY content content
COPY mailer mailer
COPY audience audience
COPY campaigns campaigns
COPY events events
COPY monitoring monitoring
COPY console console
COPY api api
COPY config config
# The console shows its run books.
COPY docs/operations.md docs/operations.md
# WhiteNoise serves static files from the packages they came in. Without this folder it writes a warning at each start.
RUN mkdir staticfiles && /venv/bin/python -m compileall -q .

FROM ${PYTHON_IMAGE}
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN groupadd --gid 10001 sluice && useradd --uid 10001 --gid sluice --no-create-home --shell /usr/sbin/nologin sluice
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# It loads the settings before it forks, so a wrong setting ends it with one message, and logs every line as JSON.
CMD ["python", "-m", "config.web", "--bind", "0.0.0.0:8000"]
