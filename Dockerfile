# The service: web by default; docker-compose.yml runs the workers, beat and the migration from the same image.

FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements.txt
COPY manage.py ./
COPY foundation foundation
COPY accounts accounts
COPY batches batches
COPY mailer mailer
COPY campaigns campaigns
COPY api api
COPY config config
# The settings read the environment only. These values serve this step alone: nothing is connected to, nothing stays.
RUN SECRET_KEY=only-for-collectstatic-and-kept-nowhere DATABASE_URL=postgresql://nobody@localhost/none \
    REDIS_URL=redis://localhost/0 /venv/bin/python manage.py collectstatic --noinput \
    && /venv/bin/python -m compileall -q .

FROM python:3.11-slim
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN groupadd --gid 10001 sluice && useradd --uid 10001 --gid sluice --no-create-home --shell /usr/sbin/nologin sluice
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Loaded before the fork, so that a bad setting ends it with one message, and every line is logged in our form.
CMD ["python", "-m", "config.web", "--bind", "0.0.0.0:8000"]
