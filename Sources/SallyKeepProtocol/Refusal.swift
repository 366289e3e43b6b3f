// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// A reply that can say no: what the socket server answers with when it refuses by itself.
package protocol RefusableReply: Sendable, Codable {
    static func refused(_ refusal: KeeperRefusal) -> Self
    /// The refusal, when this is one.
    var refusal: KeeperRefusal? { get }
}

extension SignerReply: RefusableReply {
    package var refusal: KeeperRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }
}

extension StewardReply: RefusableReply {
    package var refusal: KeeperRefusal? {
        if case .refused(let refusal) = self { refusal } else { nil }
    }
}

extension KeeperRefusal {
    /// What of an error may cross the socket: never its cause.
    package init(_ error: SallyError) {
        self.init(code: error.code, message: error.message, hint: error.hint)
    }
}

extension SallyError {
    /// A keeper's refusal, as the caller throws it.
    package init(_ refusal: KeeperRefusal, file: String = #fileID, line: UInt = #line) {
        self.init(refusal.code, refusal.message, hint: refusal.hint, file: file, line: line)
    }
}
