"""`python -m meshlint` is `meshlint`."""

import sys

from meshlint.cli import main

if __name__ == "__main__":
    sys.exit(main())
