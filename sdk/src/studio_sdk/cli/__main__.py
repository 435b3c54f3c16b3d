"""`python -m studio_sdk.cli`."""

import sys

from studio_sdk.cli.main import main

sys.exit(main())
