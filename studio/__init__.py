"""The shell: settings, addresses, the Celery application, the supervisor, the gateway."""
