"""Settings shared by every door. Each door's module adds its URLs, its database role and its host.

Nothing here is secret: the cookie-signing key is made on first start and kept in the data folder.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from answerable.config.postgres import data_dir, database_settings, vault_sockets

PACKAGE = Path(__file__).resolve().parents[2]
DOOR = os.environ.get("ANSWERABLE_DOOR", "office")


def _secret_key() -> str:
    """A cookie-signing key of this installation, made once, readable by its owner only."""
    if from_env := os.environ.get("ANSWERABLE_SECRET_KEY"):
        return from_env
    path = data_dir() / "cookie.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = False
# Production is https only; one machine on localhost is the demonstration.
SECURE = os.environ.get("ANSWERABLE_SECURE", "") == "1"
ALLOWED_HOSTS = os.environ.get("ANSWERABLE_HOSTS", "localhost 127.0.0.1 [::1]").split()
CSRF_TRUSTED_ORIGINS = os.environ.get("ANSWERABLE_ORIGINS", "").split()

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "answerable.record",
    "answerable.authority",
    "answerable.alliance",
    "answerable.vault",
    "answerable.safeguarding",
    "answerable.channel",
    "answerable.fund",
    "answerable.monitoring",
    "answerable.accountability",
    "answerable.council",
    "answerable.measures",
    "answerable.reparations",
    "answerable.publication",
    "answerable.web",
    "answerable.config",  # last: its post_migrate grants privileges on everything above
]
AUTH_USER_MODEL = "alliance.Person"
AUTHENTICATION_BACKENDS = ["answerable.vault.signin.SessionBackend"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "today"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "answerable.web.middleware.PrivacyHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "answerable.web.middleware.OneTransaction",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "answerable.web.context.page",
            ],
        },
    }
]
DATABASES = {"default": database_settings(DOOR)}
# The keys have a database of their own, which the office and the doors cannot even name.
if DOOR in {"vault", "owner"}:
    DATABASES["keys"] = database_settings(DOOR, keys=True)
DATABASE_ROUTERS = ["answerable.config.routing.Keys"]
VAULT_SOCKETS = vault_sockets()
# "here": the vault answers in this process, for migrations, the demonstration's first load, rehearsals and tests.
VAULT_TRANSPORT = "here" if DOOR in {"vault", "owner"} else "socket"
VAULT_DOOR = "channel" if DOOR == "channel" else "office"
# Mixed into the codes of the channel; a file of the vault's own, in no database and no backup of one.
CHANNEL_PEPPER = data_dir() / "channel-pepper.key"
# Files sent at the door, as ciphertext only; the channel writes there, the vault reads.
QUARANTINE = data_dir() / "quarantine"
# Reports on their way in, as ciphertext only: their keys are with whoever sends them.
INTAKE = data_dir() / "intake"
# The channel answers an attempt at a code at fixed moments only: no sooner than the floor, and on this grid.
CHANNEL_GRID_SECONDS = 0.25
CHANNEL_FLOOR_SECONDS = 1.0
CHANNEL_WEATHER = os.environ.get("ANSWERABLE_CHANNEL_WEATHER", "https://www.wetter.com/")
# Only in a database of its own that is dropped afterwards: the clock is set, and entries may have any time.
REHEARSAL = False
VAULT_LIGHT = (data_dir() / "demonstration").exists()
# For measuring the demonstration's door at what it costs a real alliance; its own code then opens nothing.
DOOR_AT_FULL_COST = os.environ.get("ANSWERABLE_DOOR_COST") == "production"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français"), ("es", "Español"), ("ar", "العربية"), ("uk", "Українська")]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

STATIC_URL = "static/"
STATIC_ROOT = data_dir() / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = 8 * 3600  # absolute limit of a working session (security.md §2.2)
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = False
CSRF_FAILURE_VIEW = "answerable.web.views.not_checked"
UNLOCK_COOKIE = "__Host-unlock" if SECURE else "unlock"
UNLOCK_IDLE_SECONDS = 600
# In production nobody works with a passphrase alone; the demonstration, whose passphrase is printed, does not ask.
TWO_AUTHENTICATORS = SECURE or os.environ.get("ANSWERABLE_TWO_AUTHENTICATORS", "") == "1"
KEYS_URL = "keys"
SECURE_SSL_REDIRECT = SECURE
# The processes listen on this machine alone, behind a proxy that speaks TLS and says so in this header, whatever the
# browser sent (docs/howto/run-in-production.md). Without it every page would redirect to itself.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
# Nothing leaves for another site. Not "no-referrer": a browser then names no origin when it posts a form to us either,
# and the check against forged requests would refuse every form.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
# Bounded on purpose: a form is small, a file is read in a stream with its own limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# Django's own handlers would write a larger file into the temporary folder, in the clear and without a bound.
FILE_UPLOAD_HANDLERS = ["answerable.channel.arriving.FormFile"]
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

DEFAULT_EXCEPTION_REPORTER = "answerable.config.reporting.QuietReporter"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"scrub": {"()": "answerable.config.reporting.Scrub"}},
    "formatters": {"plain": {"()": "answerable.config.reporting.PlainFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["scrub"], "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # Replace Django's own handlers, which would print requests and locals.
    "loggers": {"django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}
SILENCED_SYSTEM_CHECKS = ["auth.E003", "auth.W004"]
