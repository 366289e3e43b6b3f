// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTestSupport
import SallyTransport

/// Processes that can be told from all others: sleeps of a length that nobody else sleeps.
struct Mark {
    let seconds = "600.\(UInt32.random(in: 1_000_000 ... .max))"

    /// Two sleeps, one of them in the background.
    var script: String { "sleep \(seconds) & sleep \(seconds)" }

    /// How many of them live.
    func count(_ transport: any Transport, _ node: NodeName) async throws -> Int {
        let listing = """
            for file in /proc/[0-9]*/cmdline; do
                mapfile -d '' words <"$file" 2>/dev/null || continue
                [ "${words[0]:-} ${words[1]:-}" = "sleep $1" ] && echo found
            done
            exit 0
            """
        return try await transport.run(.script(listing, arguments: [seconds]), on: node).output
            .split(separator: "\n").count
    }

    func isGone(_ transport: any Transport, _ node: NodeName) async throws {
        try await eventually("no process is left") { try await count(transport, node) == 0 }
    }
}
