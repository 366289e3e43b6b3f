// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport
import StrictJSON

/// The keys of one cluster, made on this host.
struct ClusterKeys {
    let folder: ClusterFolder
    let environment: [String: String]

    static let hmacFile = "jwt_hs256.key"
    static let privateFile = "jwt_rs256.pem"
    static let publicFile = "jwks.json"

    /// Makes munge's key and the signing key, and lays what each role needs into the configuration it mounts. The RSA
    /// private key stays in `keys`, on this host.
    func make(_ algorithm: TokenAlgorithm, cluster: ClusterName) async throws -> ClusterRecord.TokenKey {
        let munge = randomBytes(128)
        for place in [folder.controllerConfiguration, folder.nodeConfiguration] {
            try Disk.write(munge, to: "\(place)/munge.key", mode: 0o600)
        }
        switch algorithm {
        case .hs256:
            let key = randomBytes(32)
            let path = "\(folder.keys)/\(ClusterKeys.hmacFile)"
            try Disk.write(key, to: path, mode: 0o600)
            try Disk.write(key, to: "\(folder.controllerConfiguration)/\(ClusterKeys.hmacFile)", mode: 0o600)
            return ClusterRecord.TokenKey(algorithm: .hs256, path: path, kid: nil)
        case .rs256:
            let path = "\(folder.keys)/\(ClusterKeys.privateFile)"
            let pem = try await openssl(["genrsa", "3072"])
            try Disk.write(pem.standardOutput, to: path, mode: 0o600)
            let modulus = try await openssl(["rsa", "-noout", "-modulus", "-in", path]).output
            let kid = "\(cluster)-\(Base64URL.encode(randomBytes(9)))"
            let set = try ClusterKeys.keySet(modulus: modulus, kid: kid)
            try Disk.write(
                Array(set.text(.indented).utf8), to: "\(folder.controllerConfiguration)/\(ClusterKeys.publicFile)",
                mode: 0o600)
            return ClusterRecord.TokenKey(algorithm: .rs256, path: path, kid: kid)
        }
    }

    /// A JWKS (RFC 7517) of one RSA key.
    ///
    /// - Parameter modulus: what openssl-rsa(1) `-modulus` prints: `Modulus=` and hexadecimal digits. Its exponent is
    ///   65537 unless asked otherwise.
    static func keySet(modulus: String, kid: String) throws -> JSONValue {
        let digits = Array(modulus.utf8.drop { $0 != 0x3d }.dropFirst()).filter { $0 > 0x20 }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count - 1, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                throw SallyError(.unavailable, "openssl printed no modulus")
            }
            bytes.append(byte)
        }
        guard bytes.count == 384 else { throw SallyError(.unavailable, "openssl made no RSA key of 3072 bits") }
        return [
            "keys": [
                [
                    "kty": "RSA", "kid": .string(kid), "alg": "RS256", "use": "sig",
                    "n": .string(Base64URL.encode(bytes)), "e": "AQAB",
                ]
            ]
        ]
    }

    func openssl(_ arguments: [String], standardInput: [UInt8] = []) async throws -> Completion {
        do {
            let completion = try await ProgramCall(
                program: "openssl", arguments: arguments, environment: environment, standardInput: standardInput,
                deadline: .seconds(60)
            ).run()
            guard completion.succeeded else {
                throw SallyError(.unavailable, "openssl \(arguments[0]) failed", cause: completion.errorOutput)
            }
            return completion
        } catch ProgramFailure.notFound {
            throw SallyError(
                .misconfigured, "openssl is not installed, and keys for RS256 are made with it",
                hint: "apt-get install openssl")
        }
    }

    /// From the system's cryptographic generator.
    private func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
