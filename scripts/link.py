"""Put this checkout on the virtual environment's path, and an `answerable` command beside its python."""

import sys
import sysconfig
from pathlib import Path

root = Path(__file__).resolve().parents[1]
Path(sysconfig.get_path("purelib"), "answerable-checkout.pth").write_text(f"{root}\n", encoding="utf-8")
command = Path(sys.executable).with_name("answerable")
# Through sh, because a path with a space cannot stand in a #! line.
command.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m answerable "$@"\n', encoding="utf-8")
command.chmod(0o755)
