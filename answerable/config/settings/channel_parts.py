"""What makes the channel's pages what they are, apart from its process: the tests of the pages use the same."""

from typing import Any

from answerable.channel import page

ROOT_URLCONF = "answerable.config.urls_channel"
# No session, no signed-in person, no transaction, no cookie of Django's: what needs them lives behind the vault.
MIDDLEWARE = [
    "answerable.channel.guard.Door",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "answerable.web.middleware.PrivacyHeaders",
    "answerable.channel.languages.Spoken",
    "django.middleware.common.CommonMiddleware",
]
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": [page.allowed(page.script())],
        "style-src": [page.allowed(page.style())],
        "img-src": ["data:"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["answerable.channel.context.door"]},
    }
]
