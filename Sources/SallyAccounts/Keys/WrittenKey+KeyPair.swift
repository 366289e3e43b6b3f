// SPDX-License-Identifier: Apache-2.0

extension WrittenKey {
    /// A pair of ours, for going from node to node.
    package init(_ pair: KeyPair) {
        self.init(privateHalf: pair.privateKey, publicHalf: pair.publicKey.description)
    }
}
