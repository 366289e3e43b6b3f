// SPDX-License-Identifier: Apache-2.0

/// A socket of a keeper for one peer.
package struct KeeperSocket: Sendable, Equatable {
    package var path: String
    /// The OS user that may connect.
    package var peer: UInt32

    package init(path: String, peer: UInt32) {
        self.path = path
        self.peer = peer
    }
}
