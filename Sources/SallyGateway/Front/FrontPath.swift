// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SlurmModel

extension APIVersion {
    /// The versions that the front answers in, whatever the daemon behind it speaks.
    static let offered = (40...44).map(APIVersion.init(rawValue:))
}

/// A path under `/slurm`, `/slurmdb` or `/openapi`, or under these in `/clusters/NAME`: where errors are told as
/// slurmrestd tells them.
struct FrontPath: Sendable, Equatable {
    enum Service: String, Sendable, CaseIterable {
        case slurm, slurmdb, openapi
    }

    /// The newest version that is offered.
    static let newest = APIVersion.offered[APIVersion.offered.count - 1]

    /// What such a path begins with: most paths are others, and told by a letter.
    private static let letters = Set((Service.allCases.map(\.rawValue) + ["clusters"]).compactMap(\.utf8.first))

    let service: Service
    /// The one asked for, or the newest where it is not offered.
    let version: APIVersion
    /// As it is written; empty for the default cluster, and for what is no name.
    let cluster: String

    /// Nil for every other path.
    init?(_ path: String) {
        guard let letter = path.utf8.first(where: { $0 != UInt8(ascii: "/") }), FrontPath.letters.contains(letter)
        else {
            return nil
        }
        var parts = path.split(separator: "/")[...]
        if parts.first == "clusters", parts.count > 2 {
            cluster = ClusterName(rawValue: String(parts[1]))?.rawValue ?? ""
            parts = parts.dropFirst(2)
        } else {
            cluster = ""
        }
        let first = parts.first.map { $0 == "openapi.json" ? "openapi" : String($0) }
        guard let service = first.flatMap(Service.init(rawValue:)) else { return nil }
        self.service = service
        let asked = parts.dropFirst().first
        version = APIVersion.offered.first { asked.map(String.init) == $0.description } ?? FrontPath.newest
    }
}
