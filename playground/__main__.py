"""`python -m playground` is `playground`."""

import sys

from playground.cli import main

sys.exit(main())
