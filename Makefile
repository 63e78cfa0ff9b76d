# make run needs Debian (or any Unix), Python 3.11 or later and nothing else. Every target is a script in tools/.
PYTHON ?= python3

.PHONY: run setup test test-postgresql lint bench soak clean

run:    ## install what is missing and start the console on http://127.0.0.1:8000
	@exec $(PYTHON) -m tools.run

setup:  ## virtual environment, locked dependencies, front end
	@$(PYTHON) -m tools.setup

test:   ## all tests, against a private real engine and a real browser
	@$(PYTHON) -m tools.test

test-postgresql: ## all unit tests, on a private PostgreSQL
	@$(PYTHON) -m tools.test postgresql

lint:   ## every static check
	@$(PYTHON) -m tools.lint

bench:  ## ratios against the docker command line (docs/performance.md)
	@$(PYTHON) -m tools.test bench

soak:   ## the long tests
	@$(PYTHON) -m tools.test soak

clean:  ## remove what setup and tests made; the data folder stays
	@$(PYTHON) -m tools.setup clean
