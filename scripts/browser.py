"""Exit status 0 when a Chromium for the browser tests is on this machine."""

import shutil
import sys

sys.exit(0 if shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") else 1)
