// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Where a native program waits for the browser (RFC 8252 section 7.3): `http://127.0.0.1:PORT/callback` or
/// `http://[::1]:PORT/callback`, nothing else, so that a code never leaves the person's machine.
struct LoopbackRedirect {
    let text: String

    /// - Throws: `SallyError(.invalidRequest)` for any other address.
    init(_ text: String) throws {
        let path = "/callback"
        for start in ["http://127.0.0.1:", "http://[::1]:"] where text.hasPrefix(start) && text.hasSuffix(path) {
            let port = text.utf8.dropFirst(start.utf8.count).dropLast(path.utf8.count)
            guard (1...5).contains(port.count), port.allSatisfy({ (0x30...0x39).contains($0) }), port.first != 0x30,
                let number = UInt16(String(decoding: port, as: UTF8.self)), number > 0
            else { break }
            self.text = text
            return
        }
        throw SallyError(
            .invalidRequest, "redirect address \(quoted(text)) is not permitted",
            hint: "http://127.0.0.1:PORT/callback or http://[::1]:PORT/callback")
    }
}
