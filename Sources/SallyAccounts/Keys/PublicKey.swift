// SPDX-License-Identifier: Apache-2.0

import Crypto
import SallyKeepProtocol
import SallyModel

/// A public key of somebody: one line as it stands in a `.pub` file or, without options, in authorized_keys (sshd(8)).
package struct PublicKey: Sendable, Hashable, CustomStringConvertible {
    package let type: Kind
    /// What the base64 stands for: the public key of RFC 4253, section 6.6, and its likes.
    package let blob: [UInt8]
    /// As ssh-keygen -l counts them.
    package let bits: Int
    /// Printable; empty when there was none.
    package let comment: String

    /// The key types that we let in. DSA is gone from OpenSSH, certificates are not keys of a person.
    package enum Kind: String, Sendable, CaseIterable {
        case ed25519 = "ssh-ed25519"
        case ecdsa256 = "ecdsa-sha2-nistp256"
        case ecdsa384 = "ecdsa-sha2-nistp384"
        case ecdsa521 = "ecdsa-sha2-nistp521"
        case rsa = "ssh-rsa"
        /// On a security key (OpenSSH, PROTOCOL.u2f).
        case securityEd25519 = "sk-ssh-ed25519@openssh.com"
        case securityECDSA256 = "sk-ecdsa-sha2-nistp256@openssh.com"
    }

    /// The most bytes of a line.
    package static let sizeLimit = 16 << 10
    package static let rsaBits = 2048...16384

    /// Reads exactly one line, without its end. Blanks around it do not matter.
    ///
    /// - Throws: `SallyError`, `.tooLarge` or `.invalidRequest`, which says what is wrong and never repeats the text:
    ///   people paste private keys.
    package init(_ line: String) throws {
        guard line.utf8.count <= PublicKey.sizeLimit else {
            throw SallyError(
                .tooLarge, "this public key has more than \(PublicKey.sizeLimit) bytes", hint: "one line of a .pub file"
            )
        }
        try PublicKey.refuseOtherForms(line)
        let words = Words(line)
        guard let type = Kind(rawValue: words.first) else { throw PublicKey.refusal(of: words) }
        guard let encoded = words.second else {
            throw SallyError(
                .invalidRequest, "nothing follows \(type.rawValue)", hint: "give the whole line of the .pub file")
        }
        guard let blob = Base64.standard.decode(encoded) else {
            throw SallyError(
                .invalidRequest, "the base64 of this public key is not valid",
                hint: "copy the whole line of the .pub file")
        }
        guard let comment = String(validating: words.comment, as: UTF8.self),
            comment.unicodeScalars.allSatisfy(\.isPrintable)
        else {
            throw SallyError(
                .invalidRequest, "the comment of this public key has characters that cannot be printed",
                hint: "leave the comment away")
        }
        self.init(type: type, blob: blob, bits: try type.check(blob), comment: comment)
    }

    /// - Precondition: `blob` is a sound key of `type`.
    init(type: Kind, blob: [UInt8], bits: Int, comment: String) {
        self.type = type
        self.blob = blob
        self.bits = bits
        self.comment = comment
    }

    /// As `ssh-keygen -l` prints it: `SHA256:` and 43 digits of base64.
    package var fingerprint: String {
        "SHA256:" + Base64.standard.encode(SHA256.hash(data: blob)).prefix { $0 != "=" }
    }

    /// The line without comment.
    package var description: String { "\(type.rawValue) \(Base64.standard.encode(blob))" }

    /// The line with a comment of ours in the place of the one that came with the key. What is not printable ASCII
    /// becomes `_`, so that it is one line always.
    package func line(comment: String) -> String {
        let safe = String(
            String.UnicodeScalarView(comment.unicodeScalars.map { (0x20..<0x7f).contains($0.value) ? $0 : "_" }))
        return safe.isEmpty ? description : "\(description) \(safe)"
    }
}

extension PublicKey {
    /// The two words and the rest of a line, by bytes: in Swift's text a blank with an accent after it is no blank.
    private struct Words {
        var first = ""
        var second: String?
        var comment: [UInt8] = []
        /// All words, of the first 4 KiB.
        var all: [String]

        init(_ line: String) {
            func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
            let parts = Array(line.utf8).split(maxSplits: 2, whereSeparator: isBlank)
            if let part = parts.first { first = String(decoding: part, as: UTF8.self) }
            if parts.count > 1 { second = String(decoding: parts[1], as: UTF8.self) }
            if parts.count > 2 {
                comment = Array(parts[2].drop(while: isBlank).reversed().drop(while: isBlank).reversed())
            }
            all = Array(line.utf8.prefix(4096)).split(whereSeparator: isBlank).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
    }

    private static func refuseOtherForms(_ line: String) throws {
        func has(_ text: String) -> Bool { line.utf8Contains(text) }
        guard !(has("-----BEGIN") && has("PRIVATE KEY")), !has("PuTTY-User-Key-File"), !has("AGE-SECRET-KEY-") else {
            throw SallyError(
                .invalidRequest, "this is a private key, give the .pub",
                hint: "a private key that was sent to somebody is no secret any more: make a new pair with ssh-keygen")
        }
        guard !has("-----BEGIN"), !has("---- BEGIN SSH2") else {
            throw SallyError(
                .invalidRequest, "this is not OpenSSH's form of a public key",
                hint: "give the line of a .pub file; ssh-keygen -i -f FILE converts other forms")
        }
        let bytes = line.utf8
        guard !bytes.contains(0x0a) else {
            throw SallyError(.invalidRequest, "a public key is one line, and this has a newline", hint: "give one key")
        }
        guard !bytes.contains(0x0d) else {
            throw SallyError(
                .invalidRequest, "this public key has a carriage return", hint: "write the file with Unix line ends")
        }
    }

    private static func refusal(of words: Words) -> SallyError {
        let first = words.first
        if first.isEmpty {
            return SallyError(.invalidRequest, "the public key is empty", hint: "give the line of a .pub file")
        }
        if first == "ssh-dss" {
            return SallyError(
                .invalidRequest, "ssh-dss keys are not accepted", hint: "make one with ssh-keygen -t ed25519")
        }
        if first.hasSuffix("-cert-v01@openssh.com") {
            return SallyError(
                .invalidRequest, "this is a certificate, not a public key",
                hint: "give the .pub without -cert in its name")
        }
        let later = words.all.dropFirst()
        if first.utf8Contains("=") || options.contains(first.lowercased())
            || later.contains(where: { Kind(rawValue: $0) != nil || $0 == "ssh-dss" })
        {
            return SallyError(
                .invalidRequest, "options before the key are not accepted", hint: "give the key alone, its type first")
        }
        // Not repeated unless it can only be the name of a type.
        let isName = first.utf8.count <= 64 && first.utf8.allSatisfy { isTypeByte($0) }
        return SallyError(
            .invalidRequest, isName ? "key type \(quoted(first)) is not accepted" : "this is not a public key",
            hint: "one line of a .pub file: " + Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }

    private static func isTypeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7a, 0x30...0x39, 0x2d, 0x2e, 0x40: true
        default: false
        }
    }

    /// The options of sshd(8), AUTHORIZED_KEYS FILE FORMAT, that have no value.
    private static let options: Set<String> = [
        "agent-forwarding", "cert-authority", "no-agent-forwarding", "no-port-forwarding", "no-pty", "no-user-rc",
        "no-x11-forwarding", "port-forwarding", "pty", "no-touch-required", "verify-required", "restrict", "user-rc",
        "x11-forwarding",
    ]
}

extension Unicode.Scalar {
    /// Whether it shows itself and changes nothing around it: no control, no format (such as right-to-left override).
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}

extension String {
    /// Whether these bytes stand in it.
    fileprivate func utf8Contains(_ text: String) -> Bool {
        let bytes = Array(utf8)
        let wanted = Array(text.utf8)
        guard let first = wanted.first, bytes.count >= wanted.count else { return false }
        return (0...(bytes.count - wanted.count)).contains {
            bytes[$0] == first && bytes[$0..<($0 + wanted.count)].elementsEqual(wanted)
        }
    }
}
