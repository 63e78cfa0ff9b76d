"""Settings: the only place that knows the run mode.

Nothing set: one process, SQLite under ``QUARTERDECK_DATA``, the channel layer in memory. ``DATABASE_URL`` and
``REDIS_URL`` set: PostgreSQL and Redis, any number of processes. ``checks.py`` refuses mixtures that cannot work.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("QUARTERDECK_DEBUG", default=False)
DATA_DIR = Path(env.str("QUARTERDECK_DATA", default=str(BASE_DIR / "var"))).resolve()
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
# The address under which people reach the console, when a proxy stands before it: https://console.example.org
PUBLIC_URL = env.str("QUARTERDECK_URL", default="").rstrip("/")
REDIS_URL = env.str("REDIS_URL", default="")


def secret_key() -> str:
    """The signing key: ``QUARTERDECK_SECRET_KEY``, else a file of mode 0600 in the data folder, made once."""
    given = env.str("QUARTERDECK_SECRET_KEY", default="")
    if given:
        return given
    path = DATA_DIR / "secret-key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(partial, path)  # the first of several processes wins
        except FileExistsError:
            pass
        partial.unlink()
        return path.read_text().strip()


SECRET_KEY = secret_key()

_public = urlsplit(PUBLIC_URL)
_local = HOST in {"127.0.0.1", "localhost", "::1"}
ALLOWED_HOSTS = env.list(
    "QUARTERDECK_HOSTS",
    default=[_public.hostname] if _public.hostname else (["localhost", "127.0.0.1", "[::1]"] if _local else ["*"]),
)
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if PUBLIC_URL else []

INSTALLED_APPS = [
    "console",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "allauth",
    "allauth.account",
]
MIDDLEWARE = [
    # These four put headers on every response: before all that answers, or fails (tests/unit/test_headers.py)
    "django.middleware.security.SecurityMiddleware",
    "console.middleware.headers",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "console.middleware.login_required",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
APPEND_SLASH = False
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.context.shell",
            ],
            "builtins": ["console.templatetags.qd", "django.templatetags.static"],
        },
    }
]

DATABASES: dict[str, Any] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'quarterdeck.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["CONN_MAX_AGE"] = 60  # seconds; opening SQLite costs ten times as much as a query
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
    }
    # A file as in real life: several threads write, which a database in memory does not allow.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    # A connection a thread would be a connection a request: all threads of a process share so many, in seconds
    DATABASES["default"] |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("QUARTERDECK_DATABASE_CONNECTIONS", default=20),
        "timeout": 5.0,  # that a thread waits for one
        "max_idle": 60.0,
        "reconnect_timeout": 5.0,  # the pauses between tries double until then, and begin anew
    }

# A connection from before Redis was restarted breaks only when it is used: with this its client tries once more, after
# any error of a connection.
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "retry_on_timeout": True}]},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 500}}
}
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 2.0},  # seconds that a sign-in waits for a Redis that hangs
    }
    if REDIS_URL
    # Rate limits live here: by default 300 entries are kept, and whoever guesses many names pushes counters out
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}
}

# People
AUTH_USER_MODEL = "console.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_ADAPTER = "console.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PRESERVE_USERNAME_CASING = False
# Behind a proxy ``serve`` has put the client's address into REMOTE_ADDR; no header is believed here.
ALLAUTH_TRUSTED_PROXY_COUNT = 0

# Cookies and headers
_https = _public.scheme == "https"
SESSION_COOKIE_AGE = 12 * 3600  # seconds
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "__Host-quarterdeck" if _https else "quarterdeck"
CSRF_COOKIE_NAME = "__Host-quarterdeck-csrf" if _https else "quarterdeck-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = False  # the proxy before the console does it
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 31536000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = False
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "console.views.errors.csrf_failure"
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W005", "security.W021"]
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Files
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static" / "build"]
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_MAX_AGE = 3600
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024  # all that server.py lets in: a crash leaves no temporary file
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

# Words and times
USE_I18N = True
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

# How the mirror and the operations behave; times in seconds
RESYNC_EVERY = env.float("QUARTERDECK_RESYNC", default=60.0)
PING_EVERY = 2.0
LEASE_FOR = 10.0
EVENTS_KEPT = env.int("QUARTERDECK_EVENTS_KEPT", default=50_000)  # rows an engine
EVENTS_KEPT_DAYS = env.int("QUARTERDECK_EVENTS_KEPT_DAYS", default=14)
OPERATIONS_KEPT_DAYS = env.int("QUARTERDECK_OPERATIONS_KEPT_DAYS", default=90)
OPERATIONS_AT_ONCE = env.int("QUARTERDECK_OPERATIONS_AT_ONCE", default=16)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"refusals": {"()": "console.loglines.NoTracebackOfRefusals"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": env.str("QUARTERDECK_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        # A traceback for every scanner: views.errors.bad_request says it in a line
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
        "django.channels.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "aiohttp": {"level": "WARNING"},
        # A traceback every second while Redis is away: console.changes says it in a line
        "channels_redis.pubsub": {"level": "CRITICAL"},
        "urllib3": {"level": "WARNING"},
    },
}
