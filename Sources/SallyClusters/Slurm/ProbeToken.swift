// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyModel
import SallyTransport
import StrictJSON

/// A token for the probe job, as root, for half a minute. Made where the cluster is made, which is root on it anyway;
/// the gateway's signer never mints for root.
struct ProbeToken {
    let keys: ClusterKeys
    let key: ClusterRecord.TokenKey

    func mint(now: Timestamp) async throws -> Secret<String> {
        var header: JSONValue = ["alg": .string(key.algorithm.rawValue), "typ": "JWT"]
        if let kid = key.kid { header = ["alg": .string(key.algorithm.rawValue), "typ": "JWT", "kid": .string(kid)] }
        let claims: JSONValue = [
            "sun": "root", "iat": .integer(now.rawValue), "exp": .integer(now.rawValue + 30),
        ]
        let signed = "\(Base64URL.encode(header.bytes())).\(Base64URL.encode(claims.bytes()))"
        let signature: [UInt8]
        switch key.algorithm {
        case .hs256:
            guard let secret = try Disk.read(key.path) else {
                throw SallyError(
                    .misconfigured, "\(key.path) is missing", hint: "terminate the cluster and start it again")
            }
            signature = Array(
                HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: secret)))
        case .rs256:
            signature = try await keys.openssl(
                ["dgst", "-sha256", "-sign", key.path], standardInput: Array(signed.utf8)
            ).standardOutput
        }
        return Secret("\(signed).\(Base64URL.encode(signature))")
    }
}
