// SPDX-License-Identifier: Apache-2.0

import JWTKit
import Logging
import SallyModel
import SallyTestSupport
import SlurmClient
import SlurmModel
import StrictJSON
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Stack {
    /// A cluster's slurmrestd, asked without a gateway: `body` gets a client, the cluster's own key and the socket.
    func withSlurm(
        _ cluster: String, pinned: APIVersion? = nil, _ body: (SlurmClient, SlurmKey, String) async throws -> Void
    ) async throws {
        let record = try JSONValue(
            parsing: try await runProgram("/bin/cat", ["\(state)/clusters/\(cluster)/cluster.json"]).output)
        let socket = try #require(record["socket"]?.string)
        let connections = SlurmConnections(logger: Logger(label: "test"))
        let client = try connections.client(
            ClusterName(unchecked: cluster), at: .unixSocket(path: socket), pinned: pinned,
            defaultPartition: PartitionName(unchecked: "debug"), deadline: .seconds(60))
        let key = try await SlurmKey(record)
        do {
            try await body(client, key, socket)
            try await connections.close()
        } catch {
            try await connections.close()
            throw error
        }
    }
}

/// A cluster's own key: tokens are made as the signer makes them.
struct SlurmKey {
    private let keys = JWTKeyCollection()
    private var kid: JWKIdentifier?

    /// - Parameter record: the cluster's, as `sally cluster start` wrote it.
    init(_ record: JSONValue) async throws {
        let path = try #require(record["token_key"]?["path"]?.string)
        if record["token_key"]?["algorithm"]?.string == "RS256" {
            let kid = JWKIdentifier(string: try #require(record["token_key"]?["kid"]?.string))
            let pem = try await runProgram("/bin/cat", [path]).output
            await keys.add(rsa: try Insecure.RSA.PrivateKey(pem: pem), digestAlgorithm: .sha256, kid: kid)
            self.kid = kid
            return
        }
        let hex = try await runProgram("/usr/bin/od", ["-An", "-v", "-tx1", path]).output
        let bytes = hex.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
        await keys.add(hmac: HMACKey(from: bytes), digestAlgorithm: .sha256)
    }

    /// For a minute.
    func token(_ user: String) async throws -> SlurmToken {
        let now = Int(time(nil))
        let claims = Claims(sun: user, iat: now, exp: now + 60)
        return SlurmToken(user: user, value: Secret(try await keys.sign(claims, kid: kid)))
    }

    private struct Claims: JWTPayload {
        var sun: String
        var iat: Int
        var exp: Int
        func verify(using algorithm: some JWTAlgorithm) {}
    }
}
