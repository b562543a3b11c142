.PHONY: demo check bench fuzz

demo: ## Set up and lint the broken example; its findings are the point, so they do not fail the target.
	python3 -m venv .venv
	.venv/bin/pip install --quiet --constraint constraints.txt .
	.venv/bin/meshlint lint --fail-on never examples/bookinfo-broken

check: ## Set up and run every check and test.
	sh tools/check.sh

bench: ## Measure time and memory; see benchmarks/README.md.
	.venv/bin/python benchmarks/run.py

fuzz: ## Damage input and lint it for ten minutes, or SECONDS=n; stops at the first failure.
	PYTHONPATH=analyzer:tests .venv/bin/python -m robustness $(or $(SECONDS),600)
