"""`playground bench SUITE`: the command lines of the suites; what they do stands in `playground.bench`."""
