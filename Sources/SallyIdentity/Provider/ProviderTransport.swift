// SPDX-License-Identifier: Apache-2.0

/// Sends a request to a provider. Implementations follow no redirect and read no more than they are told.
package protocol ProviderTransport: Sendable {
    /// - Throws: anything when there is no whole answer in time.
    func send(_ request: ProviderRequest) async throws -> ProviderAnswer
}

package struct ProviderRequest: Sendable {
    package enum Method: String, Sendable { case get = "GET", post = "POST" }
    package var method: Method
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    package var deadline: Duration
    /// Largest body of the answer, in bytes.
    package var maximumBody: Int
}

package struct ProviderAnswer: Sendable {
    package var status: Int
    package var body: [UInt8]
    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}
