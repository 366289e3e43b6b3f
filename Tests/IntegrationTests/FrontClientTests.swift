// SPDX-License-Identifier: Apache-2.0

import SallyTestSupport
import StrictJSON
import Testing

/// Clients of slurmrestd as they are published, unchanged, in front of real clusters.
@Suite(.enabled(if: Stack.current != nil, Stack.skipped), .serialized)
struct FrontClientTests {
    struct Client: Sendable, CustomTestStringConvertible {
        /// As scripts/front.d/drive.py calls it.
        var name: String
        var versions: [String]
        var testDescription: String { name }
    }

    /// Each with every version that it has, of those that the front offers: docs/slurm-versions.md.
    private static let clients = [
        Client(name: "aind", versions: ["v0.0.40", "v0.0.41"]),
        Client(name: "slurmrestapi", versions: ["v0.0.41", "v0.0.42", "v0.0.43", "v0.0.44"]),
        Client(name: "slurm-requests", versions: ["v0.0.40", "v0.0.41", "v0.0.42", "v0.0.43", "v0.0.44"]),
    ]

    /// Takes every path that the client knows, in every version; each answer goes through the client's own models.
    @Test(arguments: clients, Stack.clusters)
    func aPublishedClientWorksUnchanged(_ client: Client, _ cluster: String) async throws {
        let stack = try Stack.required()
        // Whoever never submitted is not known on the cluster yet.
        for user in ["alice", "bob"] {
            let job = try await stack.submit(user, cluster, ["--time=1"], script: "#!/bin/sh\ntrue\n")
            try await stack.waitForState(cluster, job, "COMPLETED")
        }
        let reservation = "front-\(client.name)"
        try await stack.withReservations(cluster, [(reservation, "alice"), ("\(reservation)-others", "bob")]) {
            let result = try await stack.drive(
                ["tour", client.name, stack.gateway, "alice", cluster, reservation] + client.versions,
                input: try await stack.token("alice"))
            #expect(result.status == 0, "\(result)")
            let seen = try result.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
            #expect(seen.map { $0["version"]?.string } == client.versions, "\(result)")
            for job in seen.flatMap({ $0["jobs"]?.array ?? [] }) {
                let id = String(try #require(job.integer()))
                try await stack.waitForState(cluster, id, "CANCELLED")
                let owner = try await stack.asked(
                    cluster, ["sacct", "-n", "-X", "-P", "-j", id, "-o", "User,Partition"])
                #expect(owner.output == "alice|debug\n", "\(owner)")
            }
        }
    }

    /// A client that reads its token anew before every request goes on when the first has ended; its job lives on.
    @Test func aClientOutlivesItsToken() async throws {
        let stack = try Stack.required()
        let url = "http://127.0.0.1:\(stack.port + 4)"
        try await stack.withReplica(
            "front-expiry", url: url,
            change: { file, _ in
                file.set("sessions", "{life: 1m}")
                file.set("public_url", url)
            },
            { replica in
                let contexts = ["SALLY_CONFIG_DIR": "\(replica.folder)/own"]
                let signedIn = try await stack.signIn("alice", context: "alice", at: replica.url, with: contexts)
                #expect(signedIn.status == 0, "\(signedIn)")
                let with = contexts.merging(["SALLY_CONTEXT": "alice"]) { $1 }
                @Sendable func run(_ cluster: String, _ version: String) async throws -> ProgramResult {
                    try await stack.drive(
                        ["expiry", version, replica.url, cluster, "\(stack.state)/bin/sally", "token"], with: with)
                }
                // Two at the same time, who share a session.
                async let old = run("it12", "v0.0.42")
                async let new = run("it13", "v0.0.44")
                for (cluster, result) in [("it12", try await old), ("it13", try await new)] {
                    #expect(result.status == 0, "\(result)")
                    let seen = try JSONValue(parsing: result.output)
                    #expect((seen["tokens"]?.integer() ?? 0) > 1, "\(result)")
                    try await stack.waitForState(cluster, "\(seen["job"]?.integer() ?? 0)", "CANCELLED")
                }
            })
    }
}

extension Stack {
    /// The Python of the clients that scripts/test-integration installed.
    static func frontPython() throws -> String {
        guard let python = variable("SALLYPORT_FRONT_PYTHON") else { throw Failure("no SALLYPORT_FRONT_PYTHON") }
        return python
    }

    /// Runs scripts/front.d/drive.py.
    fileprivate func drive(
        _ arguments: [String], input: String = "", with extra: [String: String] = [:]
    ) async throws -> ProgramResult {
        try await run(
            Stack.frontPython(), ["-I", "-B", "\(root)/scripts/front.d/drive.py"] + arguments, input: input,
            with: extra)
    }

    /// Reservations far ahead, each for one user, which are taken away afterwards.
    fileprivate func withReservations(
        _ cluster: String, _ reservations: [(name: String, user: String)], _ body: () async throws -> Void
    ) async throws {
        for (place, reservation) in reservations.enumerated() {
            let made = try await onNode(
                cluster, "master",
                [
                    "scontrol", "create", "reservation", "ReservationName=\(reservation.name)",
                    "StartTime=now+\(30 + place)days", "Duration=10", "Users=\(reservation.user)", "NodeCnt=1",
                    "PartitionName=debug",
                ])
            #expect(made.status == 0, "\(made)")
        }
        func takeAway() async throws {
            for reservation in reservations {
                _ = try await onNode(
                    cluster, "master", ["scontrol", "delete", "ReservationName=\(reservation.name)"])
            }
        }
        do {
            try await body()
        } catch {
            try await takeAway()
            throw error
        }
        try await takeAway()
    }
}
