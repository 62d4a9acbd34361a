"""`python -m evaluation`: as `thresher eval`; without arguments, everything (`make eval`)."""

import sys

from evaluation.command import app

app(args=sys.argv[1:] or ["all"], prog_name="thresher eval")
