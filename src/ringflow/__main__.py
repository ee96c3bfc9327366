"""`python -m ringflow` is the command `ringflow`."""

from ringflow.cli import main

main()
