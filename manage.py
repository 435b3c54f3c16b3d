#!/usr/bin/env python
"""Run Django's commands with the studio's settings."""

import os
import sys

from django.core.management import execute_from_command_line

from studio.by_hand import adopt_environment

if __name__ == "__main__":
    adopt_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    execute_from_command_line(sys.argv)
