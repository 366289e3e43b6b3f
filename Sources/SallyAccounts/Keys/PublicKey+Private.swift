// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel

extension PublicKey {
    /// The public half of a private key, as it stands in its file without passphrase: of PKCS#1 (RFC 8017, appendix A.1.2)
    /// and of OpenSSH's own form (PROTOCOL.key). nil for any other.
    init?(privateKey: Secret<String>) {
        let lines = privateKey.reveal().split(separator: "\n")
        guard lines.count > 2, let bytes = Base64.standard.decode(lines[1..<(lines.count - 1)].joined()) else {
            return nil
        }
        switch lines[0] {
        case "-----BEGIN RSA PRIVATE KEY-----": self.init(rsa: bytes)
        case "-----BEGIN OPENSSH PRIVATE KEY-----": self.init(openSSH: bytes)
        default: return nil
        }
    }

    private init?(openSSH bytes: [UInt8]) {
        let magic = Array("openssh-key-v1\0".utf8)
        guard bytes.starts(with: magic) else { return nil }
        var reader = SSHReader(Array(bytes.dropFirst(magic.count)))
        // Cipher, derivation of its key, options of that.
        guard reader.string() != nil, reader.string() != nil, reader.string() != nil, reader.number() == 1,
            let blob = reader.string()
        else { return nil }
        self.init(blob: blob)
    }

    private init?(rsa bytes: [UInt8]) {
        var outer = DERReader(bytes[...])
        guard let sequence = outer.next(0x30) else { return nil }
        var reader = DERReader(sequence)
        guard reader.next(0x02) == [0], let modulus = reader.next(0x02), let exponent = reader.next(0x02) else {
            return nil
        }
        var blob = SSHWriter()
        blob.string(Kind.rsa.rawValue)
        blob.positiveNumber(exponent)
        blob.positiveNumber(modulus)
        self.init(blob: blob.bytes)
    }

    private init?(blob: [UInt8]) {
        var reader = SSHReader(blob)
        guard let name = reader.string(), let type = Kind(rawValue: String(decoding: name, as: UTF8.self)),
            let bits = try? type.check(blob)  // one that sshd(8) would not take is none
        else { return nil }
        self.init(type: type, blob: blob, bits: bits, comment: "")
    }
}

/// Reads what X.690 calls DER, one element after the other, of less than 64 KiB.
private struct DERReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// What the next element holds; nil when it has another tag, or is cut off.
    mutating func next(_ tag: UInt8) -> ArraySlice<UInt8>? {
        guard rest.popFirst() == tag, let first = rest.popFirst() else { return nil }
        var length = Int(first)
        if first >= 0x80 {
            guard first == 0x81 || first == 0x82, rest.count >= Int(first & 0x7f) else { return nil }
            length = 0
            for _ in 0..<(first & 0x7f) { length = length << 8 | Int(rest.removeFirst()) }
        }
        guard rest.count >= length else { return nil }
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length)
    }
}
