"""The command: arguments in, exit code out; nothing else."""

import sys

from suite.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
