"""Read all settings from the environment. A missing or malformed variable stops start-up with its name.

Every variable is listed in README.md under "Configuration".
"""

from __future__ import annotations

import re
import sys
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import django_stubs_ext
from environs import Env, ValidationError, validate

from config.admin import UNFOLD  # noqa: F401  (the admin's look: unfold reads it from here)
from config.logs import LEVELS, logging_config
from foundation.addresses import domain_key

# Django's generic classes accept a type in brackets (`ModelAdmin[Batch]`) only after this call.
django_stubs_ext.monkeypatch()


def validate_fallbacks(keys: list[str]) -> None:
    """Raise ValidationError unless each key is as long as SECRET_KEY must be."""
    if any(len(key) < 32 for key in keys):
        raise ValidationError("Each key must have at least 32 characters.")


def validate_origins(origins: list[str]) -> None:
    """Raise ValidationError unless each is an origin as browsers send it in `Origin`."""
    if not all(ORIGIN.fullmatch(origin) for origin in origins):
        raise ValidationError(
            "Each origin must be scheme://host or scheme://host:port, in lower case and without a path."
        )


def validate_pattern(pattern: str) -> None:
    """Raise ValidationError unless it is a regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValidationError(f"This is not a regular expression: {error}.") from error


def whole(pattern: str) -> str:
    """Return a pattern that only matches a whole text.

    django-cors-headers only tests the beginning of an origin, so that `https://a.example` would allow
    `https://a.example.evil` as well.
    """
    return rf"(?:{pattern})\Z"


def validate_pools(names: list[str]) -> None:
    """Raise ValidationError unless each name can be sent as an IP pool."""
    if not all(2 <= len(name) <= 64 and name.isprintable() and name == name.strip() for name in names):
        raise ValidationError("Each name must have 2 to 64 printable characters, without spaces around it.")


def validate_networks(networks: list[str]) -> None:
    """Raise ValidationError unless each is a network such as 10.0.0.0/8 or fc00::/7."""
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise ValidationError(f"This is not a network: {error}.") from error


ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", validate=validate.Length(min=32))
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [], validate=validate_fallbacks)
"""Earlier values of SECRET_KEY. Links, tokens and sessions made with them stay valid; new ones use SECRET_KEY."""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
SECURE_PROXY = env.bool("SECURE_PROXY", False)
"""Set this behind a proxy that ends TLS: cookies become Secure, plain HTTP is redirected, HSTS is sent."""

WEB_ADDRESS = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/%-]*)?\Z")
"""The beginning of a link: http or https, a host, and perhaps a path."""
LOCAL_URL = "http://localhost:8000"
"""The value of PUBLIC_URL if it is not set."""
PUBLIC_URL = env.str("PUBLIC_URL", LOCAL_URL, validate=[validate.Regexp(WEB_ADDRESS), validate.Length(max=200)]).rstrip(
    "/"
)
"""The URL under which recipients of mail find this installation. One-click unsubscribing requires https."""
TRACKING_URL = env.str(
    "TRACKING_URL", PUBLIC_URL, validate=[validate.Regexp(WEB_ADDRESS), validate.Length(max=200)]
).rstrip("/")
"""The beginning of tracked links and pixels. Its host has to be in ALLOWED_HOSTS and to lead to the web server."""

LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(LEVELS))
LOGGING = logging_config(level=LOG_LEVEL, is_readable=DEBUG or sys.stderr.isatty())
LOGGING_CONFIG = "config.logs.set_up"

# --- database and broker ----------------------------------------------------------------------------------------------


def database_from_url(url: str) -> dict[str, object]:
    """Return Django's settings of a database `postgresql://user:password@host:port/name`.

    `?host=/dir` names the folder of a Unix socket (in libpq's syntax). `?prepare=no` is for a pooler that shares
    sessions and does not support prepared statements.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("DATABASE_URL must start with postgresql://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # Without server-side cursors a choice in a form is read by one statement instead of three, and a pooler may
        # share sessions.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {"connect_timeout": "5", "prepare_threshold": prepare_after(query.pop("prepare", "yes")), **query},
    }


def prepare_after(prepare: str) -> int | None:
    """Prepare a statement of every request (foundation/statements.py) when it comes for the sixth time, or never."""
    if prepare not in {"yes", "no"}:
        raise ValueError("DATABASE_URL's prepare must be yes or no")
    return 5 if prepare == "yes" else None


DATABASES = {"default": database_from_url(env.str("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL")
"""`redis://host:port/db`, `rediss://…`, or `redis+socket:///path?virtual_host=0` for a unix socket."""

# --- sending mail -----------------------------------------------------------------------------------------------------

TRANSPORT = env.str("TRANSPORT", "smtp", validate=validate.OneOf(["smtp", "django", "sandbox"]))
SMTP_URL = env.str("SMTP_URL", "smtp://localhost:25")
"""`smtp://[user:password@]host:port`, `smtps://` for TLS from the first byte; `?starttls=never|auto|always`
(default auto), `?verify=no` to accept any certificate, `?ca=/path.pem`, `?hello=name`."""
SMTP_CONNECTIONS = env.int("SMTP_CONNECTIONS", 20, validate=validate.Range(min=1))
"""The number of connections that each worker process keeps open."""
SMTP_TIMEOUT_SECONDS = env.float("SMTP_TIMEOUT_SECONDS", 60.0)
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
"""Used with TRANSPORT=django: any Django e-mail backend, such as those of django-anymail for many providers."""
ANYMAIL = env.json("ANYMAIL", {})
MESSAGE_ID_DOMAIN = env.str("MESSAGE_ID_DOMAIN", "sluice.localhost")
SYSTEM_FROM = env.str("SYSTEM_FROM", f"sluice@{MESSAGE_ID_DOMAIN}")
"""The sender of mail that Sluice itself writes, such as the request to verify a sender."""
VERIFIED_DOMAINS: frozenset[str] = frozenset(map(domain_key, env.list("VERIFIED_DOMAINS", [])))
"""Senders of these domains, in any spelling, need no verification."""
LOCAL_INBOX = env.str("LOCAL_INBOX", "")
"""The Maildir of a local inbox, which the admin shows; empty without an inbox."""

IP_POOLS: frozenset[str] = frozenset(env.list("IP_POOLS", [], validate=validate_pools))
"""Names of IP pools that requests may use, without effect: the SMTP peer chooses the address that sends the mail."""

# --- rules of the APIs (SendGrid's values) ----------------------------------------------------------------------------

SCHEDULE_LIMIT_SECONDS = env.int("SCHEDULE_LIMIT_SECONDS", 72 * 3600)
STOPPED_BATCHES_LIMIT = env.int("STOPPED_BATCHES_LIMIT", 10)
STOP_CUTOFF_SECONDS = env.int("STOP_CUTOFF_SECONDS", 600)
RETENTION_SECONDS = env.float("RETENTION_SECONDS", 72 * 3600)
RETRY_LIMIT_SECONDS = env.float("RETRY_LIMIT_SECONDS", 72 * 3600)
RETRY_FIRST_SECONDS = env.float("RETRY_FIRST_SECONDS", 60)
RETRY_LONGEST_SECONDS = env.float("RETRY_LONGEST_SECONDS", 3600)
BATCH_ID_DAYS = env.int("BATCH_ID_DAYS", 10)
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", 30 * 1024 * 1024)
MAX_MESSAGE_BYTES = env.int("MAX_MESSAGE_BYTES", MAX_BODY_BYTES, validate=validate.Range(min=1))
"""The size limit of one message with its substitutions made, before the transfer encoding."""
CUSTOM_ARGS_BYTES = env.int("CUSTOM_ARGS_BYTES", 50_000)
SUBSTITUTIONS_BYTES = env.int("SUBSTITUTIONS_BYTES", 50_000)
API_KEYS_LIMIT = env.int("API_KEYS_LIMIT", 100)
CAMPAIGNS_LIMIT = env.int("CAMPAIGNS_LIMIT", 250, validate=validate.Range(min=0))
"""The limit of an account, without deleted campaigns; 0: no limit."""
CUSTOM_FIELDS_LIMIT = env.int("CUSTOM_FIELDS_LIMIT", 120)
SEARCH_SECONDS = env.float("SEARCH_SECONDS", 5.0, validate=lambda n: n > 0)
"""A search, a count or a launch whose statement takes longer is cancelled."""
EXPENSIVE_CALLS = env.int("EXPENSIVE_CALLS", 2, validate=validate.Range(min=0))
"""The number of searches, counts and launches of one account at a time; 0: no limit."""
JOB_STATEMENT_SECONDS = env.float("JOB_STATEMENT_SECONDS", 60.0, validate=lambda n: n > 0)
"""A page of a job or of a campaign's audience whose statement takes longer is cancelled."""
SENDERS_LIMIT = env.int("SENDERS_LIMIT", 100)
ENDPOINTS_LIMIT = env.int("ENDPOINTS_LIMIT", 20, validate=validate.Range(min=0))
"""The endpoints of webhooks of one account."""
IMPORT_ROWS = env.int("IMPORT_ROWS", 1_000_000, validate=lambda n: n >= 1)
IMPORT_BYTES = env.int("IMPORT_BYTES", 5 * 1024**3, validate=lambda n: n >= 1)
"""The limit of an uploaded file, both as uploaded and unpacked."""
AUDIENCE_JOBS_RUNNING = env.int("AUDIENCE_JOBS_RUNNING", 2, validate=validate.Range(min=1))
AUDIENCE_JOBS_WAITING = env.int("AUDIENCE_JOBS_WAITING", 50, validate=validate.Range(min=0))
"""The number of imports, exports, upserts and deletions of one account that run at a time, and that wait."""
UPLOAD_BYTES = env.int("UPLOAD_BYTES", 10 * 1024**3, validate=lambda n: n >= 1)
"""The size limit of all files of one account together that are not imported yet."""
JOB_DAYS = env.int("JOB_DAYS", 7, validate=lambda n: n >= 1)
"""The result of a finished import or export is kept for this time."""

# --- webhooks ---------------------------------------------------------------------------------------------------------

WEBHOOK_ALLOWED_NETWORKS = list(map(ip_network, env.list("WEBHOOK_ALLOWED_NETWORKS", [], validate=validate_networks)))
"""Endpoints may have addresses in these networks, as well as public ones. Loopback and private addresses need it."""

# --- limits of callers ------------------------------------------------------------------------------------------------

IDEMPOTENCY_HOURS = env.int("IDEMPOTENCY_HOURS", 24, validate=validate.Range(min=1))
RATE_LIMIT_PER_MINUTE = env.int("RATE_LIMIT_PER_MINUTE", 6000, validate=validate.Range(min=0))
"""The number of requests of one API key to everything but mail/send; 0: no limit."""
MAIL_SEND_RATE_LIMIT_PER_MINUTE = env.int("MAIL_SEND_RATE_LIMIT_PER_MINUTE", 0, validate=validate.Range(min=0))
"""The number of requests of one API key to mail/send; 0: no limit, and Redis is not asked."""
MAX_PENDING_MESSAGES = env.int("MAX_PENDING_MESSAGES", 50_000_000, validate=validate.Range(min=0))
"""The number of messages of one account that may wait at a time; 0: no limit."""

# --- the web server (docs/deployment.md) ------------------------------------------------------------------------------

WEB_PROCESSES = env.int("WEB_PROCESSES", 2, validate=validate.Range(min=1))
"""The number of processes for ordinary requests. One for stops and one for large bodies are started as well."""
WEB_THREADS = env.int("WEB_THREADS", 8, validate=validate.Range(min=1))
"""The number of threads that run views, in each of them."""
WEB_STOP_THREADS = env.int("WEB_STOP_THREADS", 4, validate=validate.Range(min=1))
WEB_LARGE_THREADS = env.int("WEB_LARGE_THREADS", 4, validate=validate.Range(min=1))
WEB_WAITING = env.int("WEB_WAITING", 64, validate=validate.Range(min=1))
"""The number of requests that may wait for a thread of a process; others get a 503."""
WEB_WAIT_SECONDS = env.float("WEB_WAIT_SECONDS", 10.0, validate=lambda n: n > 0)
"""The time after which a waiting request gets a 503."""
WEB_CONNECTIONS = env.int("WEB_CONNECTIONS", 1000, validate=validate.Range(min=10))
"""The limit of connections of a process."""
WEB_CONNECTIONS_PER_ADDRESS = env.int(
    "WEB_CONNECTIONS_PER_ADDRESS", 0 if SECURE_PROXY else 128, validate=validate.Range(min=0)
)
"""The limit for one address; 0: no limit. Behind a proxy all connections come from the proxy's address."""
WEB_HEAD_SECONDS = env.float("WEB_HEAD_SECONDS", 10.0, validate=lambda n: n > 0)
WEB_BODY_SECONDS = env.float("WEB_BODY_SECONDS", 60.0, validate=lambda n: n > 0)
"""The deadline for reading a body and for sending an answer; large ones get 1 s more for each 256 KiB."""
WEB_IDLE_SECONDS = env.float("WEB_IDLE_SECONDS", 75.0, validate=lambda n: n > 0)
"""The time a connection is kept open between two requests."""
WEB_GRACE_SECONDS = env.float("WEB_GRACE_SECONDS", 30.0, validate=lambda n: n > 0)
"""The time that requests under way have to finish when the server is stopped."""
WEB_SPOOL_BYTES = env.int("WEB_SPOOL_BYTES", 8 * 1024**3, validate=validate.Range(min=1))
"""The size of all bodies that a process is receiving, in files of TMPDIR; requests beyond it get a 503."""

# --- CORS: pages of other origins that call the APIs ------------------------------------------------------------------

CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", [], validate=validate_origins)
CORS_ALLOWED_ORIGIN_REGEX = env.str("CORS_ALLOWED_ORIGIN_REGEX", "", validate=validate_pattern)
"""The pattern has to match the whole origin. Without it and without a list no response has CORS headers."""
CORS_ALLOWED_ORIGIN_REGEXES = [whole(CORS_ALLOWED_ORIGIN_REGEX)] if CORS_ALLOWED_ORIGIN_REGEX else []
CORS_URLS_REGEX = r"/(v3|api/v1|sluice|v1|v2|platform/v1)/|/[Ss]ervice\.asmx\Z|/etframework\.wsdl\Z"
"""The paths of the APIs. Pages of other origins can read neither the admin nor public pages."""
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-encoding", "content-type", "idempotency-key", "on-behalf-of"),
    *("soapaction", "user-agent", "x-requested-with"),
)
CORS_EXPOSE_HEADERS = (
    *("Allow", "Content-Disposition", "Idempotency-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate"),
    *("X-Message-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"),
    *("X-Sluice-Receipt", "X-Sluice-Sent", "X-Sluice-Settled", "X-Sluice-Warning"),
)

# --- the pipeline -----------------------------------------------------------------------------------------------------

PLAN_HORIZON_SECONDS = 120
SWEEP_INTERVAL_SECONDS = env.float("SWEEP_INTERVAL_SECONDS", 1.0)
STOP_WAIT_SECONDS = 5.0
SLICE_SECONDS = 0.2
"""The intended duration of a slice, which is how long a stop usually waits."""
SLICE_DEADLINE_SECONDS = 3.0
"""The latest start of a message of a slice, counted from the look at the gate."""
LEASE_SECONDS = 4.5
"""A worker must be silent for this time, observed twice, before its claims are broken. Longer than the deadline."""
HISTORY_DAYS = env.int("HISTORY_DAYS", 30)
PARTITION_PARCELS = env.int("PARTITION_PARCELS", 2**17)
"""The number of parcel ids per partition of messages and events."""

# --- Celery (docs/architecture.md gives the reasons) ------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": True,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1_000_000
"""The number of tasks after which Celery closes a process's connection to PostgreSQL; by default that is each one."""
WORKER_MEMORY_MB = env.int("WORKER_MEMORY_MB", 1024, validate=validate.Range(min=200))
CELERY_WORKER_MAX_MEMORY_PER_CHILD = WORKER_MEMORY_MB * 1024
"""The limit in KiB.

A worker process that has ever used more is replaced between two tasks, so that memory of a huge mail, or of a leak in a
library, is returned to the system.
"""
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_BEAT_SYNC_EVERY = 10
CELERY_BEAT_SCHEDULER = "config.beat:PatientScheduler"

# --- Django -----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "console.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "corsheaders",
    "rest_framework",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "foundation",
    "accounts",
    "batches",
    "content",
    "mailer",
    "audience",
    "campaigns",
    "events",
    "console",
    "config",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS or CORS_ALLOWED_ORIGIN_REGEX else []),
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "foundation.responses.restrict_admin",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Searched before the templates of the apps, among which unfold's come first.
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
"""Nothing of Sluice uses Django's cache. Unfold's command palette would keep what it has found for five minutes: it
would miss new mailings, and show stopped ones as open."""
CSRF_FAILURE_VIEW = "config.errors.forged"
AUTHENTICATION_BACKENDS = ["accounts.permissions.OneReadBackend"]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
LANGUAGE_CODE = "en-us"
USE_I18N = False
"""All texts are in English. Looking for translations takes a sixth of the time of an empty page."""
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
# Views of the APIs read the body with the limit MAX_BODY_BYTES. This limit is for the forms of the admin.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

SECURE_SSL_REDIRECT = SECURE_PROXY
SESSION_COOKIE_SECURE = SECURE_PROXY
CSRF_COOKIE_SECURE = SECURE_PROXY
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_PROXY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_PROXY
SECURE_HSTS_PRELOAD = SECURE_PROXY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_PROXY else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]

# --- the OpenAPI document ---------------------------------------------------------------------------------------------

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "api.openapi.CallSchema"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sluice",
    "DESCRIPTION": (
        "Sluice schedules e-mail and can stop it exactly.\n\n"
        "Every call needs an API key. A caller that exceeds its rate limit gets a 429 with `Retry-After`. Except for "
        "mail/send, every response has the headers `X-RateLimit-Limit`, `X-RateLimit-Remaining` and "
        "`X-RateLimit-Reset`. New fields may be added to responses at any time."
    ),
    "VERSION": "1",
    # Relative to the document, so that it is right behind any host name and proxy.
    "SERVERS": [{"url": "/"}],
    # Leaves out the hook that makes components of enumerations, since it guesses their names.
    "POSTPROCESSING_HOOKS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
