"""All settings; each comes from the environment and has a default that works. docs/operators.md lists them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import plotly
from django.utils.translation import gettext_lazy as _

from lib.env import env_bool, env_folders, env_int, env_list, env_path, env_str
from lib.outbound import Allowed

BASE_DIR = Path(__file__).resolve().parent.parent

# ---- The home: one folder that holds all state ----------------------------------------------------------------------

HOME = env_path("STUDIO_HOME", BASE_DIR / "data")
# What another user must reach when the studio runs as root: databases, environments, jobs, replicas.
RUNTIME_HOME = env_path("STUDIO_RUNTIME_HOME", HOME)
ARTIFACTS_DIR = HOME / "artifacts"
ENVIRONMENTS_DIR = RUNTIME_HOME / "environments"
JOBS_DIR = RUNTIME_HOME / "jobs"
REPLICAS_DIR = RUNTIME_HOME / "replicas"
GATEWAY_DIR = HOME / "gateway"

# ---- Addresses ------------------------------------------------------------------------------------------------------

STUDIO_HOST = env_str("STUDIO_HOST", "127.0.0.1")
STUDIO_PORT = env_int("STUDIO_PORT", 8642, least=1)
STUDIO_URL = env_str("STUDIO_URL", f"http://{STUDIO_HOST}:{STUDIO_PORT}").rstrip("/")
STUDIO_INTERNAL_URL = env_str("STUDIO_INTERNAL_URL", f"http://127.0.0.1:{STUDIO_PORT}").rstrip("/")
ALLOWED_HOSTS = [
    urlsplit(STUDIO_URL).hostname or "localhost",
    "localhost",
    "127.0.0.1",
    "[::1]",
    *env_list("STUDIO_ALLOWED_HOSTS"),
]
IS_HTTPS = STUDIO_URL.startswith("https://")
# Trusted only because the gateway sets it and the web workers listen on a private socket.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
CSRF_TRUSTED_ORIGINS = [STUDIO_URL]
# What addresses given by users (webhooks) may lead to beside the public internet.
OUTBOUND_ALLOWED = Allowed.read(env_list("STUDIO_OUTBOUND_ALLOW"))


# ---- Secrets --------------------------------------------------------------------------------------------------------


def secret_key(home: Path) -> str:
    """Read the key from the home, or make it there once; of two first starts at once, one wins and both read that."""
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f".secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


SECRET_KEY = env_str("STUDIO_SECRET_KEY") or secret_key(HOME)
SECRET_KEY_FALLBACKS = env_list("STUDIO_SECRET_KEY_FALLBACKS")

DEBUG = env_bool("STUDIO_DEBUG", False)

# ---- Applications ---------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "lib.apps.LibConfig",
    "studio.apps.StudioConfig",
    "workspaces.apps.WorkspacesConfig",
    "compute.apps.ComputeConfig",
    "experiments.apps.ExperimentsConfig",
    "registry.apps.RegistryConfig",
    "jobs.apps.JobsConfig",
    "deployments.apps.DeploymentsConfig",
]

# Order matters: the request id names every later error; the actor is known before the walls are checked; CSRF asks the
# actor whether the request came by cookie.
MIDDLEWARE = [
    "studio.middleware.RequestIdMiddleware",
    "studio.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "studio.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "studio.middleware.ErrorMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "workspaces.middleware.ActorMiddleware",
    "workspaces.middleware.CsrfUnlessTokenMiddleware",
    "workspaces.middleware.WallsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "studio.urls"
WSGI_APPLICATION = "studio.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
                "studio.context.frame",
            ],
        },
    }
]

# ---- Database, broker, cache ----------------------------------------------------------------------------------------


def database(url: str) -> dict[str, object]:
    """Turn `postgresql://user:password@host:port/name?host=/socket/folder&sslmode=…` into Django's form."""
    parts = urlsplit(url)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "lib.postgres",
        "NAME": unquote(parts.path.lstrip("/")) or "studio",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or options.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASES = {"default": database(env_str("DATABASE_URL", "postgresql:///studio"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env_str("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "studio"}
}

# ---- Who is here ----------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "workspaces.User"
LOGIN_URL = "workspaces:sign-in"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
# How long a process may take a token, its owner's roles, and a run that logs point by point as it last saw them;
# 0 asks the database every time.
CREDENTIALS_SECONDS = env_int("STUDIO_CREDENTIALS_SECONDS", 2, least=0)
# How long what `studio login` makes opens the studio before it is made anew behind the client's back.
ACCESS_TOKEN_SECONDS = env_int("STUDIO_ACCESS_TOKEN_SECONDS", 3600, least=1)
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# The port is in the names because browsers share cookies between ports of one host: two studios on one machine would
# sign each other out.
SESSION_COOKIE_NAME = f"studio_session_{STUDIO_PORT}"
CSRF_COOKIE_NAME = f"studio_csrf_{STUDIO_PORT}"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_FAILURE_VIEW = "lib.answers.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if IS_HTTPS else 0
X_FRAME_OPTIONS = "DENY"

# ---- Limits ---------------------------------------------------------------------------------------------------------

# Artifact bodies are streamed past these; everything else is small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# Files leave through the gateway, which sends them without Python (X-Accel-Redirect); off where none stands before us.
STUDIO_SENDS_FILES_BY_GATEWAY = env_bool("STUDIO_SENDS_FILES_BY_GATEWAY", True)

# What has the gateway take new routes; tests put their own in its place.
GATEWAY_RELOAD = "studio.gateway.reload"

# ---- The trash ------------------------------------------------------------------------------------------------------

# After how many days deleted things go for good, where a workspace has no rule of its own; 0 is never.
STUDIO_TRASH_DAYS = env_int("STUDIO_TRASH_DAYS", 30, least=0)

# ---- Data -----------------------------------------------------------------------------------------------------------

# Folders of this machine that workspaces' owners may open as datastores, to read: name=/path, separated by commas.
DATA_FOLDERS = env_folders("STUDIO_DATA_FOLDERS")

# ---- Celery ---------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "control"
# It looks at every content that is stored, so it is no step of the control queue.
CELERY_TASK_ROUTES = {"jobs.tasks.free_snapshots": {"queue": "build"}}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# ---- The studio's API -----------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # The walls stand before DRF is asked: workspaces.middleware knows the actor and what the route needs.
    "DEFAULT_AUTHENTICATION_CLASSES": ["workspaces.drf.ActorAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "lib.schema.Schema",
    "EXCEPTION_HANDLER": "lib.drf.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Studio",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # Choices stand where they are used: named ones would have to be named by hand wherever two fields are called alike.
    "POSTPROCESSING_HOOKS": [],
}

# ---- Languages and static files -------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", _("English")),
    ("ja", _("Japanese")),
    ("zh-hans", _("Simplified Chinese")),
    ("zh-hant", _("Traditional Chinese")),
    ("de", _("German")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static", ("plotly", Path(plotly.__file__).parent / "package_data")]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "lib.staticfiles.ChosenFilesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "lib.staticfiles.ModuleStorage"},
}

# ---- Logs -----------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "lib.logs.RequestFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s request=%(request_id)s actor=%(actor)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": env_str("STUDIO_LOG_LEVEL", "INFO")},
    "loggers": {"django.request": {"level": "ERROR"}, "django.security.DisallowedHost": {"level": "CRITICAL"}},
}

SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # CsrfUnlessTokenMiddleware is Django's, for requests that come by cookie
    "security.W008",  # the gateway or the proxy before it redirects to https, not Django
]
