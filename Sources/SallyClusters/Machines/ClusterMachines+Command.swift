// SPDX-License-Identifier: Apache-2.0

import SallyModel
import SallyTransport

extension ClusterMachines {
    /// The program and its first arguments that run whatever words follow as root on `machine`, without a terminal. Over
    /// ssh(1) the words go through a shell there.
    package func command(on machine: ClusterMachine) -> [String] {
        switch access {
        case .podman(let podman): return [podman.program, "exec", "--interactive", machine.id]
        case .openSSH(let settings, _):
            let alias: NodeName? =
                switch settings.hostKeyNaming {
                case .nodeName: machine.name
                case .address: nil
                }
            var settings = settings
            settings.sharing = .none
            let command = OpenSSHCommand(
                settings: settings, address: OpenSSHAddress(host: machine.address, port: machine.port), alias: alias)
            return ["ssh"] + command.argumentsOfAnyProgram
        }
    }
}
