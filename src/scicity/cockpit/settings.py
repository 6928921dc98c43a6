"""Settings of the cockpit: closed unless something is opened, and nothing that differs from district to district."""

from __future__ import annotations

import os
from pathlib import Path

from scicity.cockpit import discovery
from scicity.cockpit.place import Place
from scicity.notices.mailing import USUAL_FROM, mail_settings
from scicity.operation import logs

HERE = Path(__file__).parent
PLACE = Place.of_environment()
PLACE.state.mkdir(parents=True, exist_ok=True)

DEBUG = os.environ.get("SCICITY_DEBUG", "") == "1"
SECRET_KEY = PLACE.secret()
ALLOWED_HOSTS = [h for h in os.environ.get("SCICITY_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if h]
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("SCICITY_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "scicity.records",
    "scicity.cockpit",
    "scicity.cockpit.sensorthings",
    "scicity.documents",
    "scicity.notices",
    "scicity.cockpit.annual",
    "scicity.cockpit.ogc",
    *(f"{discovery.DOMAINS}.{domain}" for domain in discovery.domains()),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja",
]
MIDDLEWARE = [
    "scicity.cockpit.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "scicity.cockpit.middleware.CityOfRequest",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "scicity.cockpit.middleware.ActorOfRequest",
    "scicity.cockpit.middleware.PasswordMustChange",
    "scicity.cockpit.middleware.PublicPages",
    "scicity.cockpit.middleware.ScopeOfRequest",
]
ROOT_URLCONF = "scicity.cockpit.urls"
WSGI_APPLICATION = "scicity.cockpit.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [*discovery.folders("pages/templates"), *discovery.folders("pages/*/templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["scicity.cockpit.templatetags.words", "scicity.cockpit.templatetags.figures"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scicity.cockpit.context.shell",
            ],
        },
    }
]

DATABASES = {"default": PLACE.databases()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_USER_MODEL = "cockpit.Person"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "overview"
FAILED_LOGINS_ALLOWED = 5  # of one name from one address, and four times as many from one address
FAILED_LOGINS_MINUTES = 15

SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
# Behind a proxy that speaks HTTPS: cookies by HTTPS alone, and browsers told to stay with it.
HTTPS = os.environ.get("SCICITY_HTTPS", "") == "1"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
CSRF_FAILURE_VIEW = "scicity.cockpit.views.errors.csrf_failure"
SILENCED_SYSTEM_CHECKS = [] if HTTPS else ["security.W004", "security.W008", "security.W012", "security.W016"]

vars().update(mail_settings(os.environ, PLACE.state))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = USUAL_FROM  # a notice has the district's own

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # pages show the district's own time; see the filter `moment`

STATIC_URL = "/static/"
STATICFILES_DIRS = [(path.parent.parent.name, path) for path in discovery.folders("pages/static")]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
WHITENOISE_IMMUTABLE_FILE_TEST = r"/built/assets/[^/]+-[\w-]{8}\.\w+$"  # their names tell their content
WHITENOISE_ALLOW_ALL_ORIGINS = False

LOGGING = logs.configuration()
TEST_RUNNER = "django.test.runner.DiscoverRunner"
