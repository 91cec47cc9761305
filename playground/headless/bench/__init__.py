"""`playground bench SUITE`: the command lines of the suites in `playground.bench`."""
