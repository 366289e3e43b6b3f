// SPDX-License-Identifier: Apache-2.0

import JWTKit
import SallyModel
import SallySocket

/// The key that a cluster's Slurm trusts, ready to sign.
struct SlurmKey: Sendable {
    private let keys: JWTKeyCollection
    private let kid: JWKIdentifier?

    /// - Throws: `SallyError(.misconfigured)` when the file is missing, readable by others, or holds no such key.
    init(_ file: SlurmKeyFile) async throws {
        keys = JWTKeyCollection()
        switch file {
        case .hs256(let path):
            let bytes = try read(path)
            guard bytes.count >= 32 else {
                throw SallyError(
                    .misconfigured, "the key \(quoted(path)) has \(bytes.count) bytes, at least 32 are needed",
                    hint: "make one with `openssl rand 32`, for Slurm and the signer alike")
            }
            kid = nil
            await keys.add(hmac: HMACKey(from: bytes), digestAlgorithm: .sha256)
        case .rs256(let path, let kid):
            guard !kid.isEmpty, kid.utf8.count <= 128 else {
                throw SallyError(
                    .misconfigured, "the key \(quoted(path)) has no kid",
                    hint: "give it the kid that is in Slurm's jwks")
            }
            self.kid = JWKIdentifier(string: kid)
            let key: Insecure.RSA.PrivateKey
            do {
                key = try Insecure.RSA.PrivateKey(pem: String(decoding: try read(path), as: UTF8.self))
            } catch let error as SallyError {
                throw error
            } catch {
                throw SallyError(
                    .misconfigured, "\(quoted(path)) is no RSA private key of 2048 bits or more in PEM",
                    hint: "make one with `openssl genrsa -out FILE 3072`")
            }
            await keys.add(rsa: key, digestAlgorithm: .sha256, kid: self.kid)
        }
    }

    func sign(_ claims: SlurmClaims) async throws -> String {
        try await keys.sign(claims, kid: kid)
    }
}

private func read(_ path: String) throws -> [UInt8] {
    guard let bytes = try DurableFile.read(path) else {
        throw SallyError(.misconfigured, "the key \(quoted(path)) does not exist", hint: "see key in the signer's file")
    }
    return bytes
}
