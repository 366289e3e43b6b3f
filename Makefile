# SPDX-License-Identifier: Apache-2.0
#
# Two commands do all: `make demo` runs the main job, `make test` passes the tests. Each installs what it needs.
# Every target uses the same compiler flags, so that nothing is built twice; `release` has some of its own.

SHELL := /bin/bash
SWIFT := swift
# Release programs carry the Swift runtime with them: they run on a machine without Swift.
RELEASE := --static-swift-stdlib -Xswiftc -cross-module-optimization
DEBUG := .build/debug
STAGE := scripts/stage

.PHONY: all packages build release demo demo-down test test-core test-unit test-integration bench bench-submit bench-reject \
	bench-users bench-exactly-once bench-queue fmt lint check fuzz images dependencies docs clean

all: build

dependencies:
	@$(STAGE) dependencies scripts/install-dependencies

# What others wrote comes over the network, which may fail once.
packages: dependencies
	@$(STAGE) packages bash -c 'for try in 1 2 3; do $(SWIFT) package resolve && exit; sleep 5; done; exit 1'

build: packages
	@$(STAGE) build $(SWIFT) build --build-tests

release: packages
	@$(STAGE) release $(SWIFT) build -c release $(RELEASE) --product sallyd
	@$(STAGE) release $(SWIFT) build -c release $(RELEASE) --product sally
	@$(STAGE) release $(SWIFT) build -c release $(RELEASE) --product sally-cluster

# Both node images and the demo's provider; rebuilt only when their inputs change.
images: dependencies
	@$(STAGE) images scripts/build-images

demo: build images
	@scripts/demo up

demo-down:
	@scripts/demo down

# Tier 0 has no dependencies: it builds and tests alone in seconds.
test-core:
	@SALLYPORT_ONLY=tier0 $(STAGE) test-core $(SWIFT) test --scratch-path .build-core

test-unit: build
	@$(STAGE) test-unit scripts/test-unit

test-integration: build images
	@$(STAGE) test-integration scripts/test-integration

test: build images
	@$(STAGE) lint $(MAKE) --no-print-directory lint
	@$(STAGE) test-unit scripts/test-unit
	@$(STAGE) test-integration scripts/test-integration
	@$(STAGE) --summary

fmt:
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

lint:
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

check: lint test-core build
	@$(STAGE) test-unit scripts/test-unit

# What is made of tables.
docs: build
	@SALLYPORT_WRITE_DOCS=1 $(SWIFT) test --skip-build --filter thePageIsTheTable

# A million cases for each decoder and notation parser, where `make test` tries some thousand. CASES=, SEED=, CASE= and ONLY= say
# otherwise: scripts/fuzz.
fuzz: build
	@CASES=$(CASES) SEED=$(SEED) CASE=$(CASE) ONLY='$(ONLY)' $(STAGE) fuzz scripts/fuzz

bench: bench-submit bench-reject bench-users bench-exactly-once bench-queue

bench-submit bench-reject: bench-%: release images
	@scripts/bench $*

# ARGUMENTS=--quick for one run of the main case; scripts/bench-users --help tells more.
bench-users: release images
	@scripts/bench-users $(ARGUMENTS)

# ARGUMENTS=--quick for a short run; scripts/bench-exactly-once --help tells more.
bench-exactly-once: release images
	@scripts/bench-exactly-once $(ARGUMENTS)
# ARGUMENTS=--quick for a small queue; scripts/bench-queue --help tells more.
bench-queue: release images
	@SALLYPORT_BENCH_BARE=1 $(STAGE) bare-route $(SWIFT) build -c release $(RELEASE) --product bare-route
	@scripts/bench-queue $(ARGUMENTS)

clean:
	rm -rf .build .build-core .build-fuzz
