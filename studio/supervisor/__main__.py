"""`python -m studio.supervisor`: the studio in the foreground."""

import sys

from studio.supervisor.main import main

sys.exit(main())
