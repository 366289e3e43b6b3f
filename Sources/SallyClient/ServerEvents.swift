// SPDX-License-Identifier: Apache-2.0

/// An event of a server (WHATWG HTML, section 9.2.6).
package struct ServerEvent: Sendable, Equatable {
    package var name: String
    package var data: String
    /// What to say on coming back, from here on; nil where the event does not change it.
    package var id: String?

    package init(name: String, data: String, id: String?) {
        self.name = name
        self.data = data
        self.id = id
    }
}

/// Whether whoever reads a stream wants more of it.
package enum StreamReading: Sendable {
    case more
    case enough
}

/// Takes a stream of events apart, whatever the pieces are that it comes in.
package struct ServerEventReader {
    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8]?
    private var id: String?
    private var afterReturn = false

    /// One event has no more bytes than that; what is longer is left out.
    static let limit = 64 << 20

    package init() {}

    /// - Returns: the events that these bytes complete.
    package mutating func read(_ bytes: some Sequence<UInt8>) -> [ServerEvent] {
        var found: [ServerEvent] = []
        for byte in bytes {
            // A line ends with \n, \r or both.
            if byte == 0x0a, afterReturn {
                afterReturn = false
                continue
            }
            afterReturn = byte == 0x0d
            guard byte == 0x0a || byte == 0x0d else {
                if line.count < ServerEventReader.limit { line.append(byte) }
                continue
            }
            if line.isEmpty {
                if let event = finish() { found.append(event) }
            } else {
                take()
                line.removeAll(keepingCapacity: true)
            }
        }
        return found
    }

    private mutating func take() {
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
        guard colon > 0 else { return }  // a comment
        var value = line[min(colon + 1, line.count)...]
        if value.first == 0x20 { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": name = String(decoding: value, as: UTF8.self)
        case "data":
            if data == nil { data = Array(value) } else { data?.append(contentsOf: [0x0a] + value) }
        case "id" where !value.contains(0): id = String(decoding: value, as: UTF8.self)
        default: break
        }
    }

    private mutating func finish() -> ServerEvent? {
        defer { (name, data, id) = ("", nil, nil) }
        guard let data else { return nil }
        return ServerEvent(
            name: name.isEmpty ? "message" : name, data: String(decoding: data, as: UTF8.self), id: id)
    }
}

extension GatewayClient {
    /// Passes on what the gateway tells, until it ends the connection or `receive` has enough.
    ///
    /// - Parameter last: the id of the last event that was heard.
    /// - Throws: the problem as `SallyError`; `.unavailable` when the connection broke.
    package func events(
        _ path: String, after last: String?, _ receive: (ServerEvent) async throws -> StreamReading
    ) async throws {
        var request = WireRequest(.get, path)
        if let last { request.headers.append((name: "Last-Event-ID", value: last)) }
        var reader = ServerEventReader()
        try await stream(request) { bytes in
            for event in reader.read(bytes) {
                switch try await receive(event) {
                case .more: continue
                case .enough: return .enough
                }
            }
            return .more
        }
    }
}
