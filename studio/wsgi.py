"""What the web workers serve."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

application = get_wsgi_application()

# What is loaded by now stays: collecting it again and again would cost a third of a large answer's time.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 100)
