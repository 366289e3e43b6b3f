// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore
import SallyModel

/// What belongs to one request on its way through the routes.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let peer: Peer
    /// Behind our proxies; the peer itself until the edge has looked.
    var client: Peer
    /// Made by us, never taken from outside.
    var requestID: OpaqueID
    /// What is found out on the way in and told when the answer goes out.
    let notes = RequestNotes()
    /// Set by the authentication of a session.
    private(set) var signedIn: Principal?
    /// What the caller's body may take; nil for who is not signed in, whose bodies are short.
    private(set) var bodyAllowance: BodyAllowance?
    /// Set by the administration socket.
    private(set) var localUser: UInt32?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        peer = Peer(source.channel.remoteAddress)
        client = peer
        var generator = SystemRandomNumberGenerator()
        requestID = .random(using: &generator)
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request"] = "\(requestID)"
    }

    /// - Precondition: the session was verified and its row read.
    mutating func signIn(_ principal: Principal, _ bodyAllowance: BodyAllowance) {
        signedIn = principal
        self.bodyAllowance = bodyAllowance
    }

    /// - Precondition: `uid` is what the kernel says of the connection.
    mutating func admitLocal(_ uid: UInt32) {
        localUser = uid
    }

    /// - Throws: `.internal` on a route that does not authenticate: a broken promise of our own.
    var principal: Principal {
        get throws {
            guard let signedIn else { throw SallyError(.internal, "a route needs a session and has none") }
            return signedIn
        }
    }
}
