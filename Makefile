# Every target prepares what it needs; a second run finds it done. Needs npm, Java 17+, openssl, Maven and Go 1.21+ (check-sql
# Python 3.10+ too, check-alerts and check-page apt-get and dpkg), and neither Docker nor root nor an account. Node 24 comes along as an npm package.

.DEFAULT_GOAL := help
.NOTPARALLEL:

# npm itself runs on the Node that it came with: `npm ci` removes the one below.
NPM_PATH := $(PATH)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

FIRN := node src/main.ts
export SECONDS ?= 600
export SEED ?= 1
export WORLDS ?= 500
export MESSAGES ?= 1000000
export ROUNDS ?= 3
PARTS := src/local/install-parts.sh
SQL_TOOLS := test/check-sql/install-tools.sh
ALERT_TOOLS := test/check-alerts/install-tools.sh
PAGE_TOOLS := test/check-page/install-tools.sh
CHART_TOOLS := test/check-chart/install-tools.sh

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: check setup stack-parts ## the whole path on this machine, with changes, load and faults (KEEP=1 leaves it running)
	@$(FIRN) demo $(if $(filter-out 0,$(KEEP)),--keep)

.PHONY: test
test: check setup stack-parts typecheck lint ## everything that must hold, on a real Kafka, S3 server and driver
	@node --test --test-concurrency=2 --test-timeout=1800000 --test-global-setup=test/support/stack.ts 'test/**/*.test.ts'

.PHONY: firn
firn: setup ## run one command of firn: make firn ARGS="status --config firn.yaml"
	@$(FIRN) $(ARGS)

# By the end of their names: those of the stack and of the laboratory start servers.
.PHONY: test-unit
test-unit: setup ## the tests that need no stack
	@node --test $$(find test -name '*.test.ts' ! -name '*.e2e.test.ts' ! -name '*.contract.test.ts' ! -path 'test/local/stack*')

.PHONY: crash-matrix
crash-matrix: check setup stack-parts ## SIGKILL at every fail point, with one and two members, healthy and faulty store
	@node test/lab/crash-matrix-main.ts

.PHONY: chaos
chaos: check setup stack-parts ## random faults on three brokers: SECONDS=600 SEED=1
	@node test/lab/chaos-main.ts

.PHONY: outage
outage: check setup stack-parts ## no store under load, memory within its budget: SECONDS=600
	@node test/lab/outage-main.ts

.PHONY: exhaustive
exhaustive: setup ## every interleaving of wider worlds than those in make test (half an hour)
	@node test/model/exhaustive-main.ts

.PHONY: converge
converge: setup ## random histories and deliveries against the SQL of the merge: WORLDS=500 SEED=1
	@node test/convergence/convergence-main.ts

.PHONY: bench
bench: check setup stack-parts build ## a log drained by kafkajs that only counts, by Firn, and by hand: MESSAGES=2000000 ROUNDS=3
	@MESSAGES=$(if $(filter file,$(origin MESSAGES)),2000000,$(MESSAGES)) node test/bench/drain-main.ts

.PHONY: bench-latency
bench-latency: check setup stack-parts build ## a steady rate from producer to target table, step by step: SECONDS=60 (RATE=1000 FRESHNESS=500ms)
	@SECONDS=$(if $(filter file,$(origin SECONDS)),60,$(SECONDS)) node test/bench/latency-main.ts

.PHONY: bench-scale
bench-scale: check setup stack-parts build ## 1 to 1,000 partitions, messages of 100 B to 1 MB, 10 to 100,000 files at resume: MESSAGES=1000000
	@ROUNDS=$(if $(filter file,$(origin ROUNDS)),5,$(ROUNDS)) node test/bench/scale-main.ts

.PHONY: bench-backfill
bench-backfill: check setup stack-parts build ## a backfill of a whole log against the ingester: MESSAGES=1000000 ROUNDS=3
	@node test/bench/replay-main.ts

.PHONY: mutants
mutants: check setup stack-parts ## plants the bugs listed in test/mutants one by one, and sees that their tests catch them
	@node test/mutants/mutants-main.ts

.PHONY: check-sql
check-sql: check-python check setup stack-parts .firn/parts/sql-tools/.done ## what is rendered: sqlfluff parses it, schemachange deploys it
	@node test/check-sql/check-sql-main.ts

.PHONY: check-alerts
check-alerts: check-prometheus check setup stack-parts .firn/parts/prometheus/.done ## alerts and dashboard: promtool, and a real Prometheus while faults are caused
	@node test/check-alerts/check-alerts-main.ts

.PHONY: check-page
check-page: check-chromium check setup stack-parts .firn/parts/chromium/.done ## the status page of a real process in a real browser; pictures in build/page
	@node test/check-page/check-page-main.ts

.PHONY: check-chart
check-chart: check-chart-tools setup chart-tools ## the Helm chart before other judges: Helm, kube-score, a real Kubernetes API server
	@node test/check-chart/check-chart-main.ts

.PHONY: typecheck
typecheck: setup ## check the types
	@tsc

.PHONY: lint
lint: setup ## linter, and whether the formatter agrees
	@npm run --silent lint

.PHONY: format
format: setup ## let the formatter write
	@prettier --write --log-level=warn .

.PHONY: build
build: setup ## what is shipped, into dist
	@rm -rf dist && npm run --silent build

.PHONY: local-up
local-up: check setup stack-parts ## start the development stack: Kafka, S3 and the development warehouse
	@$(FIRN) local up

.PHONY: local-down
local-down: setup ## stop it; its data stay (CLEAN=1 removes them)
	@$(FIRN) local down $(if $(filter-out 0,$(CLEAN)),--clean)

.PHONY: setup
setup: node_modules/.done ## npm packages, Node 24 among them

.PHONY: stack-parts
stack-parts: .firn/parts/kafka/.done .firn/parts/s3/.done ## Kafka and the S3 server

.PHONY: chart-tools
chart-tools: $(foreach tool,helm kube-score kubernetes,.firn/parts/$(tool)/.done)

.PHONY: clean
clean: ## stop the development stack and remove all that make has made
	@if [ -e node_modules/.done ]; then $(FIRN) local down --clean && $(FIRN) demo --end; fi
	@rm -rf node_modules dist .firn build/page

.PHONY: check
check:
	@$(PARTS) check

.PHONY: check-python
check-python:
	@$(SQL_TOOLS) check

.PHONY: check-prometheus
check-prometheus:
	@$(ALERT_TOOLS) check

.PHONY: check-chromium
check-chromium:
	@$(PAGE_TOOLS) check

.PHONY: check-chart-tools
check-chart-tools:
	@$(CHART_TOOLS) check

node_modules/.done: package-lock.json
	@$(PARTS) check-npm
	@echo 'installing npm packages (about a minute, once)' >&2
	@PATH='$(NPM_PATH)' npm ci --loglevel=error --no-audit --no-fund >&2
	@touch $@

.firn/parts/kafka/.done: src/local/kafka-pom.xml
	@$(PARTS) check
	@$(PARTS) kafka

.firn/parts/s3/.done: src/local/install-parts.sh
	@$(PARTS) check
	@$(PARTS) s3

.firn/parts/sql-tools/.done: test/check-sql/requirements.txt
	@$(SQL_TOOLS) check
	@$(SQL_TOOLS) install

.firn/parts/prometheus/.done: test/check-alerts/install-tools.sh
	@$(ALERT_TOOLS) check
	@$(ALERT_TOOLS) install

.firn/parts/chromium/.done: test/check-page/install-tools.sh
	@$(PAGE_TOOLS) check
	@$(PAGE_TOOLS) install

.firn/parts/helm/.done .firn/parts/kube-score/.done .firn/parts/kubernetes/.done: test/check-chart/install-tools.sh
	@$(CHART_TOOLS) check
	@$(CHART_TOOLS) $(notdir $(@D))
