// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import SallyConfig
import Synchronization
import Testing

@testable import SallyGateway

/// What the log says of a request.
@Suite struct RequestLogTests {
    private final class Records: Sendable {
        private let all = Mutex<[(message: String, metadata: Logger.Metadata)]>([])

        func add(_ message: String, _ metadata: Logger.Metadata) { all.withLock { $0.append((message, metadata)) } }

        /// Whose requests were answered, and with what.
        var answered: [String] {
            all.withLock { all in
                all.filter { $0.message == "request answered" }
                    .map {
                        "\($0.metadata["user"]?.description ?? "nobody") \($0.metadata["status"]?.description ?? "")"
                    }
            }
        }
    }

    private struct Collector: LogHandler {
        let records: Records
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        init(_ records: Records) { self.records = records }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            records.add(event.message.description, metadata.merging(event.metadata ?? [:]) { $1 })
        }
    }

    @Test func aRequestsLineSaysWhoseItWas() async throws {
        let records = Records()
        var settings = WorldSettings()
        settings.log = Logger(label: "test") { _ in Collector(records) }
        settings.rates.requestsPerMinute = 4
        try await withWorld(settings) { world, client in
            try await client.expect(.ok, .get, "/v1/me", world.alice)
            try await client.expect(.ok, .get, "/v1/me", world.bob)
            try await client.expect(.badRequest, .get, "/v1/clusters/demo/jobs/0", world.alice)
            try await client.expect(.tooManyRequests, .get, "/v1/me", world.alice)
            try await client.expect(.unauthorized, .get, "/v1/me", "junk")
            try await client.expect(.ok, .get, "/healthz")
        }
        #expect(
            records.answered == ["alice 200", "bob 200", "alice 400", "alice 429", "nobody 401", "nobody 200"],
            "\(records.answered)")
    }
}
