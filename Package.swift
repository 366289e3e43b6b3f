// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// One line for each dependency: why it is here, and which target alone may import it. Versions are exact, because
// Package.resolved is not committed.
let dependencies: [Package.Dependency] = [
    // Command line of sally, sally-cluster and sallyd: the *Commands targets and the executables.
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    // Random numbers, SHA-256, HMAC, constant-time comparison: SallyIdentity, SallyStore, SallyClient. Key pairs:
    // SallyAccounts.
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    // Log lines: every target with effects.
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    // Unix sockets with peer credentials: SallySocket. Deadlines, and which certificates are trusted: SallyNetwork.
    // Certificates of our own: SallyGateway.
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    // Reloading of TLS certificates, parts of HTTP messages: SallyGateway.
    .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
    // FilePath for swift-subprocess: SallyTransport.
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    // SQLite: SallyStore.
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    // HTTP server: SallyGateway. Without full Foundation.
    .package(
        url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: ["ConfigurationSupport"]),
    // YAML that people write: SallyConfig.
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    // HTTP client: SlurmClient, SallyIdentity, SallyClient.
    .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
    // Start and stop in order: SallyGateway, sallyd.
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    // Programs started by us: SallyTransport. Without Foundation.
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    // JWT: SallyIdentity (sessions, id_tokens) and SallySigner (Slurm tokens).
    .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let certificateReloading = Target.Dependency.product(name: "NIOCertificateReloading", package: "swift-nio-extras")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")

// In tier order. docs/architecture.md lists the same edges, and ArchitectureTests compares the two.
let tier0: [Target] = [
    // JSON read strictly: doubled keys, unknown keys, depth, number text.
    .target(name: "StrictJSON"),
    // Nouns.
    .target(name: "SallyModel"),
    // Job descriptions, jobs, partitions, nodes; the field tables; #SBATCH, times, sizes, TRES.
    .target(name: "SlurmModel", dependencies: ["SallyModel", "StrictJSON"]),
    // Decisions, and the only maker of Authorized<Action>.
    .target(name: "SallyPolicy", dependencies: ["SallyModel", "SlurmModel"]),
    // What CLI and gateway say to each other.
    .target(name: "SallyWire", dependencies: ["SallyModel", "SlurmModel"]),
    // What serve says to signer and steward.
    .target(name: "SallyKeepProtocol", dependencies: ["SallyModel", "StrictJSON"]),
    // Made-up cases for tests, each of which can be tried again by its number.
    .target(name: "SallyFuzz", path: "Tests/SallyFuzz"),
    // What tests hold against slurmrestd's own description of its JSON.
    .target(
        name: "SlurmTestSupport", dependencies: ["SlurmModel", "SallyModel", "StrictJSON"],
        path: "Tests/SlurmTestSupport"),
    .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON", "SallyFuzz"]),
    .testTarget(name: "SallyModelTests", dependencies: ["SallyModel"]),
    .testTarget(
        name: "SlurmModelTests",
        dependencies: ["SlurmModel", "SallyModel", "StrictJSON", "SallyFuzz", "SlurmTestSupport"],
        exclude: ["Fixtures"]),
    .testTarget(
        name: "SallyPolicyTests", dependencies: ["SallyPolicy", "SallyModel", "SlurmModel", "SlurmTestSupport"]),
    .testTarget(name: "SallyWireTests", dependencies: ["SallyWire", "SallyModel", "SlurmModel", "StrictJSON"]),
    .testTarget(name: "SallyKeepProtocolTests", dependencies: ["SallyKeepProtocol", "SallyModel", "StrictJSON"]),
    .testTarget(name: "ArchitectureTests"),
]

let tier1: [Target] = [
    // What every connection of ours needs: deadlines, the authorities that are trusted. Server and CLI share it.
    .target(name: "SallyNetwork", dependencies: ["SallyModel", nioCore, nioPosix, nioSSL]),
    // What the daemons log, one record a line.
    .target(name: "SallyLog", dependencies: ["SallyModel", logging]),
    // Unix sockets that know who is at the other end: framing, peer credentials.
    .target(
        name: "SallySocket",
        dependencies: [
            "SallyModel", "SallyNetwork", "SallyKeepProtocol", "StrictJSON", nioCore, nioPosix, serviceLifecycle,
            logging,
        ]),
    // Runs a script on a node: Podman exec, this host.
    .target(name: "SallyTransport", dependencies: ["SallyModel", subprocess, systemPackage, logging]),
    // YAML that people write, read with key path and line, all problems at once.
    .target(name: "SallyConfig", dependencies: ["SallyModel", "SallyPolicy", "SlurmModel", yams]),
    // Accounts on nodes: plan, apply, lock. Key pairs for people, and the archive of them.
    .target(
        name: "SallyAccounts",
        dependencies: ["SallyModel", "SallyKeepProtocol", "SallyTransport", "StrictJSON", crypto, cryptoExtras]),
    // Cluster templates, the Podman provider, start and terminate.
    .target(
        name: "SallyClusters",
        dependencies: ["SallyModel", "SallyConfig", "SallyTransport", "StrictJSON", crypto, logging]),
    // slurmrestd.
    .target(
        name: "SlurmClient",
        dependencies: [
            "SallyModel", "SallyNetwork", "SlurmModel", "SallyPolicy", "StrictJSON", asyncHTTPClient, nioCore,
            nioHTTP1, nioPosix, nioSSL, logging,
        ]),
    // OpenID Connect, sessions, one-time codes.
    .target(
        name: "SallyIdentity",
        dependencies: [
            "SallyModel", "SallyNetwork", "StrictJSON", jwtKit, crypto, asyncHTTPClient, nioCore, nioHTTP1, logging,
        ]),
    // Repositories in SQLite.
    .target(
        name: "SallyStore",
        dependencies: ["SallyModel", "SallyPolicy", "SlurmModel", "SallyIdentity", "StrictJSON", grdb, crypto, logging]),
    // Holds the key and mints tokens.
    .target(
        name: "SallySigner",
        dependencies: [
            "SallyModel", "SallyKeepProtocol", "SallySocket", jwtKit, crypto, serviceLifecycle, logging,
        ]),
    // Holds the way onto the nodes.
    .target(
        name: "SallySteward",
        dependencies: [
            "SallyModel", "SallyKeepProtocol", "SallySocket", "SallyAccounts", "SallyTransport", serviceLifecycle,
            logging,
        ]),
]

let tier2: [Target] = [
    // The HTTP API: routes, services, ports.
    .target(
        name: "SallyGateway",
        dependencies: [
            "SallyModel", "SallyNetwork", "SlurmModel", "SallyPolicy", "SallyWire", "SallyKeepProtocol", "StrictJSON",
            "SallySocket", "SallyConfig", "SallyIdentity", "SallyStore", "SlurmClient", hummingbird, hummingbirdTLS,
            nioCore, nioHTTPTypes, nioSSL, certificateReloading, serviceLifecycle, unixSignals, crypto, logging,
        ]),
    // What the CLI says to a gateway: contexts, sign-in, requests.
    .target(
        name: "SallyClient",
        dependencies: [
            "SallyModel", "SallyNetwork", "SallyWire", "StrictJSON", asyncHTTPClient, nioCore, nioHTTP1, nioPosix,
            nioSSL, crypto,
        ]),
    // One file per subcommand of sally.
    .target(
        name: "SallyCommands",
        dependencies: [
            "SallyModel", "SallyNetwork", "SlurmModel", "SallyWire", "SallyClient", "StrictJSON", argumentParser,
        ]),
    // One file per subcommand of sally-cluster.
    .target(
        name: "ClusterCommands",
        dependencies: [
            "SallyModel", "SallyKeepProtocol", "SallyConfig", "SallyAccounts", "SallyClusters", "SallyTransport",
            "StrictJSON",
            argumentParser, logging,
        ]),
]

let tier3: [Target] = [
    .executableTarget(name: "sally", dependencies: ["SallyCommands"]),
    .executableTarget(name: "sally-cluster", dependencies: ["ClusterCommands"]),
    .executableTarget(
        name: "sallyd",
        dependencies: [
            "SallyModel", "SlurmModel", "SallyPolicy", "SallyWire", "SallyKeepProtocol", "StrictJSON", "SallySocket",
            "SallyConfig",
            "SallyIdentity", "SallyStore", "SlurmClient", "SallySigner", "SallySteward", "SallyAccounts",
            "SallyTransport", "SallyGateway", "SallyClient", "SallyLog", argumentParser, serviceLifecycle, unixSignals,
            logging,
        ]),
]

let support: [Target] = [
    // Scratch folders, fixed clocks, started processes, containers with sshd.
    .target(
        name: "SallyTestSupport", dependencies: ["SallyModel", "SallyTransport", subprocess, systemPackage],
        path: "Tests/SallyTestSupport"),
    .testTarget(name: "SallyNetworkTests", dependencies: ["SallyNetwork", "SallyModel", "SallyTestSupport", nioSSL]),
    .testTarget(name: "SallyLogTests", dependencies: ["SallyLog", logging]),
    .testTarget(name: "SallySocketTests", dependencies: ["SallySocket", "SallyKeepProtocol", "SallyTestSupport"]),
    .testTarget(name: "SallyTransportTests", dependencies: ["SallyTransport", "SallyTestSupport"]),
    .testTarget(name: "SallyConfigTests", dependencies: ["SallyConfig", "SallyPolicy", "SallyTestSupport"]),
    .testTarget(name: "SallyAccountsTests", dependencies: ["SallyAccounts", "SallyTransport", "SallyTestSupport"]),
    .testTarget(
        name: "SallyClustersTests",
        dependencies: ["SallyClusters", "SallyConfig", "SallyTransport", "StrictJSON", "SallyTestSupport"]),
    .testTarget(
        name: "SlurmClientTests", dependencies: ["SlurmClient", "SallyTestSupport", nioCore, nioPosix, nioSSL, nioTLS]),
    .testTarget(
        name: "SallyIdentityTests",
        dependencies: [
            "SallyIdentity", "SallyModel", "StrictJSON", "SallyTestSupport", jwtKit, crypto, logging, nioCore, nioPosix,
        ]),
    .testTarget(name: "SallyStoreTests", dependencies: ["SallyStore", "SallyPolicy", "SallyTestSupport", grdb]),
    .testTarget(
        name: "SallySignerTests", dependencies: ["SallySigner", "SallySocket", "SallyTestSupport", jwtKit, crypto]),
    .testTarget(name: "SallyStewardTests", dependencies: ["SallySteward", "SallyTransport", "SallyTestSupport"]),
    .testTarget(
        name: "SallyGatewayTests",
        dependencies: [
            "SallyGateway", "SallyStore", "SallyFuzz", "SlurmTestSupport", "SallyTestSupport", hummingbirdTesting,
            hummingbird, jwtKit, nioCore, nioEmbedded, nioHTTPTypes,
        ]),
    .testTarget(
        name: "SallyClientTests",
        dependencies: [
            "SallyClient", "SallyModel", "SallyWire", "StrictJSON", "SallyFuzz", "SallyTestSupport", nioCore, nioPosix,
        ]),
    .testTarget(
        name: "SallyCommandsTests",
        dependencies: [
            "SallyCommands", "SallyClient", "SallyModel", "SallyWire", "SlurmModel", "StrictJSON", "SallyTestSupport",
            nioCore,
            nioPosix,
        ]),
    .testTarget(
        name: "ClusterCommandsTests",
        dependencies: [
            "ClusterCommands", "SallyModel", "SallyAccounts", "SallyClusters", "SallyTransport", "StrictJSON",
            "SallyTestSupport",
            argumentParser,
        ]),
    // Against real Slurm, a real provider and the real programs; started by scripts/test-integration.
    .testTarget(
        name: "IntegrationTests",
        dependencies: [
            "SallyModel", "SlurmModel", "SallyPolicy", "SallyWire", "SallyKeepProtocol", "StrictJSON", "SallySocket",
            "SallyIdentity", "SlurmClient", "SallyClient", "SallyTransport", "SallyAccounts", "SallySteward",
            "SallyTestSupport", jwtKit, crypto, asyncHTTPClient, nioCore, nioPosix, logging,
        ]),
]

// SALLYPORT_ONLY=tier0 leaves every dependency away: tier 0 builds and tests alone in seconds (make test-core).
// SALLYPORT_ONLY=A,B keeps the targets A and B, their tests and what they need.
var targets = tier0 + tier1 + tier2 + tier3 + support
var used = dependencies
switch Context.environment["SALLYPORT_ONLY"] {
case nil, "": break
case "tier0":
    targets = tier0
    used = []
case .some(let list):
    var wanted = Set(list.split(separator: ",").flatMap { [String($0), "\($0)Tests"] })
    var size = 0
    while wanted.count != size {
        size = wanted.count
        for target in targets where wanted.contains(target.name) {
            for case .byNameItem(let name, _) in target.dependencies { wanted.insert(name) }
        }
    }
    targets = targets.filter { wanted.contains($0.name) }
    if targets.allSatisfy({ $0.dependencies.allSatisfy { if case .byNameItem = $0 { true } else { false } } }) {
        used = []
    }
}

// What the benchmark of the queue holds the gateway against; built for it alone (make bench-queue).
let bareRoute: Target = .executableTarget(
    name: "bare-route", dependencies: [hummingbird, logging, nioCore], path: "scripts/bench-queue.d/bare-route")
if Context.environment["SALLYPORT_BENCH_BARE"] != nil { targets.append(bareRoute) }

for target in targets {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ]
}

let package = Package(name: "sallyport", dependencies: used, targets: targets)
