// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// The keys that are written into homes in one run.
package struct SSHMaterial: Sendable {
    var trust: SSHTrust
    /// Pairs for going from one machine to another.
    var nodeKeys: [UserName: KeyPair] = [:]
    /// To sign in with.
    var keys: [UserName: PublicKey] = [:]

    /// What `read_ssh` reads (SSHScript); `-` for what there is none of. A private half is one field: its line ends are
    /// written as printf(1) reads them.
    func row(_ account: DesiredAccount) -> [String] {
        let pair = nodeKeys[account.name]
        return [
            account.name.rawValue, "\(account.uid)", account.home, trust.from,
            pair.map { $0.privateKey.reveal().split(separator: "\n").map { "\($0)\\n" }.joined() } ?? "-",
            pair?.publicKey.description ?? "-", keys[account.name]?.description ?? "-",
        ]
    }
}
