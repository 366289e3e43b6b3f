// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol

/// The three sockets of the signer: who stands at a door decides what may be asked there.
package enum SignerDoor: String, Sendable, CaseIterable {
    case serve
    case steward
    case administrators

    package func admits(_ request: SignerRequest) -> Bool {
        switch request {
        case .mint, .mintService, .countersign: self == .serve
        case .deny: true  // whoever is let in may say no; only administrators take it back
        case .records: self == .serve || self == .administrators
        case .allow, .list: self == .administrators
        case .register, .withdraw: self == .steward
        case .health: true
        }
    }
}
