// SPDX-License-Identifier: Apache-2.0

package import SallyKeepProtocol

/// The two sockets of the steward: who stands at a door decides what may be asked there.
package enum StewardDoor: String, Sendable, CaseIterable {
    case serve
    case administrators

    package func admits(_ request: StewardRequest) -> Bool {
        switch request {
        case .ensure, .readOutput: self == .serve
        case .lock, .outputRecords, .health: true
        case .unlock, .adopt, .remove, .list: self == .administrators
        }
    }
}
