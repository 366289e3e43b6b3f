// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
package import SallyConfig

/// Who is at the other end of a connection.
enum Peer: Sendable, Hashable {
    /// In text, without a zone.
    case address(String)
    /// A local process; a unix socket has no address.
    case unixSocket
    case unknown

    init(_ address: SocketAddress?) {
        switch address {
        case .v4, .v6:
            self = address?.ipAddress.map { .address(String($0.prefix { $0 != "%" })) } ?? .unknown
        case .unixDomainSocket: self = .unixSocket
        case nil: self = .unknown
        }
    }

    /// This machine itself.
    var isLocal: Bool {
        switch self {
        case .address(let address): AddressRange.isLoopback(address)
        case .unixSocket: true
        case .unknown: false
        }
    }
}

/// Which peers are proxies of ours, whose `X-Forwarded-For` is believed.
package struct TrustedProxies: Sendable {
    package var ranges: [AddressRange]
    /// Whether who comes over a unix socket is a proxy.
    package var unixSocket: Bool

    package init(ranges: [AddressRange], unixSocket: Bool) {
        self.ranges = ranges
        self.unixSocket = unixSocket
    }

    func trusts(_ peer: Peer) -> Bool {
        switch peer {
        case .address(let address): ranges.contains { $0.contains(address) }
        case .unixSocket: unixSocket
        case .unknown: false
        }
    }

    /// The client that stands before our proxies: the rightmost address of `X-Forwarded-For` that is no proxy of ours.
    /// From other peers the header is not looked at. A malformed list counts as the proxy itself.
    func client(behind peer: Peer, headers: HTTPFields) -> Peer {
        guard trusts(peer) else { return peer }
        var client = peer
        let list = headers[values: .xForwardedFor].flatMap { $0.split(separator: ",") }
        for entry in list.reversed() {
            let address = String(entry.drop { $0 == " " }.prefix { $0 != " " })
            guard AddressRange(address) != nil, !address.contains("/") else { return client }
            client = .address(address)
            guard trusts(client) else { return client }
        }
        return client
    }
}

extension Peer: CustomStringConvertible {
    var description: String {
        switch self {
        case .unixSocket: "unix"
        case .unknown: "unknown"
        case .address(let address): address
        }
    }
}

extension HTTPField.Name {
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!  // a valid token
    static let requestID = HTTPField.Name("X-Request-Id")!  // a valid token
    static let slurmToken = HTTPField.Name("X-SLURM-USER-TOKEN")!  // a valid token
    static let slurmName = HTTPField.Name("X-SLURM-USER-NAME")!  // a valid token
    /// `true` on an answer that shows what Slurm said before it stopped answering.
    static let stale = HTTPField.Name("Sallyport-Stale")!  // a valid token
    static let lastEventID = HTTPField.Name("Last-Event-ID")!  // a valid token
    /// nginx holds an answer back until it is whole, unless it says `no` here.
    static let buffering = HTTPField.Name("X-Accel-Buffering")!  // a valid token
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!  // a valid token
    static let frameOptions = HTTPField.Name("X-Frame-Options")!  // a valid token
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!  // a valid token
}
