// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SlurmModel
import StrictJSON

/// What a real slurmrestd answered; recorded by scripts/record-slurmrestd.
enum Fixture {
    struct Daemon: Sendable, CustomStringConvertible {
        var release: String
        var version: APIVersion
        var description: String { "\(release) \(version)" }
    }

    static let old = Daemon(release: "22.05.8", version: APIVersion(rawValue: 38))
    static let new = Daemon(release: "24.11.5", version: APIVersion(rawValue: 42))
    static let daemons = [old] + [40, 41].map { Daemon(release: "24.11.5", version: APIVersion(rawValue: $0)) } + [new]

    static func reply(_ name: String, _ daemon: Daemon) throws -> SlurmReply {
        SlurmReply(try json(name, daemon), version: daemon.version)
    }

    static func json(_ name: String, _ daemon: Daemon) throws -> JSONValue {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = folder.appending(path: "Fixtures/slurmrestd/\(daemon.release)/\(daemon.version)/\(name).json")
        return try JSONValue(parsing: Data(contentsOf: file), limits: .listing)
    }
}
