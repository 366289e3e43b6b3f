// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Where a gateway is: `https://HOST[:PORT]`, `http://` on loopback alone, or `unix:/path/of/socket`.
package struct GatewayAddress: Sendable, Hashable, CustomStringConvertible {
    private enum Place: Hashable {
        case network(scheme: String, authority: String, host: String)
        case socket(path: String)
    }

    private let place: Place

    /// - Throws: `SallyError(.invalidRequest)` for plain http to another machine, user names, paths, queries.
    package init(_ text: String) throws {
        func refused(_ why: String) -> SallyError {
            SallyError(
                .invalidRequest, "gateway address \(quoted(text)) is not valid: \(why)",
                hint: "give it as https://HOST or https://HOST:PORT")
        }
        guard text.utf8.count <= 512, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw refused("it has spaces, control characters or more than 512 characters")
        }
        if let path = GatewayAddress.socketPath(text) {
            guard path.hasPrefix("/"), path.utf8.count <= 107, !path.hasSuffix("/") else {
                throw refused("a socket is an absolute path of at most 107 bytes")
            }
            place = .socket(path: path)
            return
        }
        let scheme = ["https", "http"].first { text.lowercased().hasPrefix("\($0)://") }
        guard let scheme else { throw refused("it starts with neither https:// nor unix:") }
        var authority = text.dropFirst(scheme.utf8.count + 3)
        if authority.hasSuffix("/") { authority = authority.dropLast() }
        guard !authority.contains(where: { "/?#\\".contains($0) }) else {
            throw refused("it has a path; the gateway is at the root of its host")
        }
        guard !authority.contains("@") else { throw refused("it has a user name") }
        guard let host = GatewayAddress.host(of: authority) else { throw refused("host or port is not valid") }
        guard scheme == "https" || GatewayAddress.isLoopback(host) else {
            throw refused("plain http is for this machine alone")
        }
        place = .network(scheme: scheme, authority: authority.lowercased(), host: host)
    }

    /// The address of one path, in the form that AsyncHTTPClient takes.
    package func url(_ pathAndQuery: String) -> String {
        switch place {
        case .network(let scheme, let authority, _): "\(scheme)://\(authority)\(pathAndQuery)"
        case .socket(let path): "http+unix://\(percentEncoded(path))\(pathAndQuery)"
        }
    }

    /// What stands in the Host header of a request over a unix socket, where AsyncHTTPClient sends none by itself.
    package var extraHost: String? {
        switch place {
        case .network: nil
        case .socket: "localhost"
        }
    }

    /// A word for naming a context: the host, or `local` for a socket.
    package var host: String {
        switch place {
        case .network(_, _, let host): host
        case .socket: "local"
        }
    }

    /// Whether a browser can open pages there.
    package var hasPages: Bool {
        switch place {
        case .network: true
        case .socket: false
        }
    }

    package var description: String {
        switch place {
        case .network(let scheme, let authority, _): "\(scheme)://\(authority)"
        case .socket(let path): "unix:\(path)"
        }
    }

    private static func socketPath(_ text: String) -> String? {
        for prefix in ["unix://", "unix:"] where text.hasPrefix(prefix) {
            return String(text.dropFirst(prefix.utf8.count))
        }
        return nil
    }

    private static func host(of authority: Substring) -> String? {
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            guard !host.isEmpty, host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
            if !rest.isEmpty {
                guard rest.hasPrefix(":") else { return nil }
                port = rest.dropFirst()
            }
        } else {
            if let colon = authority.firstIndex(of: ":") {
                host = authority[..<colon]
                port = authority[authority.index(after: colon)...]
            }
            guard !host.isEmpty, !host.hasPrefix("-"), !host.hasPrefix("."),
                host.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == 0x2d || $0 == 0x2e })
            else { return nil }
        }
        if let port {
            guard (1...5).contains(port.utf8.count), port.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(port), number > 0
            else { return nil }
        }
        return host.lowercased()
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension GatewayAddress: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
