"""`python -m answerable …` is the same as `answerable …`."""

import sys

from answerable.cli import main

sys.exit(main())
